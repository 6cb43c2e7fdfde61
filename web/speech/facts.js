// Times of one spoken answer, out of when somebody spoke. Facts for the person; nothing here is ever graded. Pure.

/** So long a silence ends a stretch of uninterrupted talk. */
const apart = 500;

/**
 * @param {[number, number][]} spans when somebody spoke, in milliseconds, in order
 * @param {number} asked when the question stood there, on the same clock
 */
export function facts(spans, asked) {
  if (spans.length === 0) return null;
  let [from, to] = spans[0];
  let longest = to - from;
  for (const [start, end] of spans.slice(1)) {
    if (start - to > apart) from = start;
    to = end;
    longest = Math.max(longest, to - from);
  }
  return {
    speaking_ms: Math.round(spans.reduce((sum, [start, end]) => sum + end - start, 0)),
    first_word_ms: Math.max(0, Math.round(spans[0][0] - asked)),
    longest_ms: Math.round(longest),
  };
}
