// A text that is still being written, as sentences to be spoken: the first as soon as it is whole. Pure.

const abbreviations = /(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|Mr|Mrs|Ms|Dr|St|No)|(?:^|[\s(])[A-Za-z])\.$/;

/**
 * @param {string} text all that is there so far
 * @param {number} from where the part that was not yet taken begins
 * @param {boolean} whole nothing more comes
 * @returns {{ sentences: string[], taken: number }}
 */
export function sentences(text, from, whole) {
  /** @type {string[]} */
  const found = [];
  let taken = from;
  // An end is a mark with a space after it, or a new line: what follows shows that it was one.
  for (const end of text.slice(from).matchAll(/[.!?…]+["”’')\]]*(?=\s)|\n+/g)) {
    const at = from + end.index + end[0].length;
    const piece = text.slice(taken, at);
    if (end[0].startsWith(".") && abbreviations.test(piece.trimEnd())) continue;
    if (piece.trim() !== "") found.push(plain(piece));
    taken = at;
  }
  if (whole) {
    const rest = text.slice(taken);
    if (rest.trim() !== "") found.push(plain(rest));
    taken = text.length;
  }
  return { sentences: found, taken };
}

/** Marks of writing are not spoken. @param {string} text */
const plain = (text) => text.replaceAll(/[*_`#>]+/g, "").replaceAll(/\s+/g, " ").trim();
