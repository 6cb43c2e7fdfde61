// Times of one spoken answer, out of when somebody spoke. Facts for the person; nothing here is ever graded. Pure.

/** So long a silence is a break; the ends of words are shorter. */
const apart = 500;

/**
 * @param {[number, number][]} spans when somebody spoke, in milliseconds, in order
 * @param {number} asked when the question stood there, on the same clock
 */
export function facts(spans, asked) {
  if (spans.length === 0) return null;
  let speaking = 0;
  let stretch = 0;
  let longest = 0;
  let before = spans[0][0];
  for (const [start, end] of spans) {
    speaking += end - start;
    stretch = (start - before > apart ? 0 : stretch) + end - start;
    longest = Math.max(longest, stretch);
    before = end;
  }
  return { speaking_ms: Math.round(speaking), first_word_ms: Math.max(0, Math.round(spans[0][0] - asked)), longest_ms: Math.round(longest) };
}
