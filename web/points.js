// Offsets in characters, as the server counts them, on JavaScript's strings, which count otherwise.

/** @param {string} text @param {number} start @param {number} end @returns {[string, string, string]} before, piece, after */
export function cut(text, start, end) {
  const points = Array.from(text);
  return [points.slice(0, start).join(""), points.slice(start, end).join(""), points.slice(end).join("")];
}
