// Spoken words in a box in which somebody also types: the newest reading replaces the one before it, and never a word
// that the person wrote. Pure.

/** @typedef {{ text: string, tail: string }} Box `tail`: the words at the end that are still being heard */

/**
 * @param {Box} box
 * @param {string} heard the newest reading of the same words; empty when there was nothing in them
 * @param {boolean} final no newer reading will come
 * @returns {Box}
 */
export function land({ text, tail }, heard, final) {
  const words = heard.trim();
  if (tail === "" || text.endsWith(tail)) {
    const typed = text.slice(0, text.length - tail.length);
    const gap = words === "" || typed === "" || /\s$/.test(typed) ? "" : " ";
    return { text: typed + gap + words, tail: final ? "" : gap + words };
  }
  // The person has changed what was heard: their words stand. Only what was said after them is added, when it is all there.
  if (!final) return { text, tail };
  const known = tail.trim().split(/\s+/).length;
  const more = words.split(/\s+/).slice(known).join(" ");
  return { text: more === "" ? text : `${text}${/\s$/.test(text) || text === "" ? "" : " "}${more}`, tail: "" };
}

const endings = /(?:^|[\s.,;!?])(?:that(?:['’]s| is) my (?:final )?answer|end of answer)[\s.!]*$/i;

/** Whether the words end with the spoken sign of the end, and what they are without it. @param {string} heard */
export function spokenEnd(heard) {
  const found = endings.exec(heard);
  if (!found) return { ended: false, words: heard };
  return { ended: true, words: heard.slice(0, found.index + (/^[.!?]/.test(found[0]) ? 1 : 0)).replace(/[,;\s]+$/, "") };
}
