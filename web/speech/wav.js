// Samples as a WAV file: 16,000 a second, one channel, 16 bits. Pure.

import { target } from "./resample.js";

/** What is louder than full scale is cut, not wrapped around. @param {Float32Array} samples */
export function pcm16(samples) {
  const out = new Int16Array(samples.length);
  for (let n = 0; n < samples.length; n += 1) out[n] = Math.round(Math.max(-1, Math.min(1, samples[n])) * 32767);
  return out;
}

/** @param {Int16Array[]} pieces @returns {Blob} */
export function wav(pieces) {
  const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const head = new DataView(new ArrayBuffer(44));
  const word = (/** @type {number} */ at, /** @type {string} */ text) => [...text].forEach((c, n) => head.setUint8(at + n, c.charCodeAt(0)));
  word(0, "RIFF");
  head.setUint32(4, 36 + bytes, true);
  word(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true);
  head.setUint16(22, 1, true);
  head.setUint32(24, target, true);
  head.setUint32(28, target * 2, true);
  head.setUint16(32, 2, true);
  head.setUint16(34, 16, true);
  word(36, "data");
  head.setUint32(40, bytes, true);
  return new Blob([head.buffer, ...pieces.map((piece) => /** @type {ArrayBuffer} */ (piece.buffer).slice(piece.byteOffset, piece.byteOffset + piece.byteLength))], { type: "audio/wav" });
}
