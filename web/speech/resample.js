// Sound at any rate to 16,000 samples a second, in pieces: a windowed sinc that lets through what the new rate can hold and
// nothing above it, so that a whistle at 12 kHz does not come back as one at 4. Pure.

export const target = 16_000;

/** Zero crossings of the sinc on each side: how steep the filter is. */
const crossings = 24;
/** Positions between two samples for which weights are kept; between these they are interpolated. */
const phases = 128;
/** How much of the lower rate's half is let through. */
const width = 0.94;

/**
 * @param {number} rate samples a second of what comes, 8,000 to 192,000
 * @returns {{ push: (block: Float32Array) => Float32Array, flush: () => Float32Array }}
 */
export function resampler(rate) {
  if (rate === target) return { push: (block) => block.slice(), flush: () => new Float32Array(0) };
  const step = rate / target;
  const cutoff = 0.5 * Math.min(1, target / rate) * width;
  const half = Math.ceil(crossings / (2 * cutoff));
  const table = weights(cutoff, half);
  // Silence before the beginning, so that the first output lies on the first input.
  let kept = new Float32Array(half - 1);
  let at = half - 1;

  /** @param {Float32Array} block */
  function push(block) {
    const data = new Float32Array(kept.length + block.length);
    data.set(kept);
    data.set(block, kept.length);
    const out = new Float32Array(Math.max(0, Math.ceil((data.length - half - at) / step)));
    let n = 0;
    for (; Math.floor(at) + half < data.length; at += step) {
      const from = Math.floor(at);
      const phase = (at - from) * phases;
      const before = Math.floor(phase);
      const part = phase - before;
      let sum = 0;
      for (let k = 0; k < 2 * half; k += 1) {
        const low = table[before * 2 * half + k];
        sum += data[from - half + 1 + k] * (low + part * (table[(before + 1) * 2 * half + k] - low));
      }
      out[n] = sum;
      n += 1;
    }
    const used = Math.max(0, Math.floor(at) - half + 1);
    kept = data.slice(used);
    at -= used;
    return out.subarray(0, n);
  }
  return { push, flush: () => push(new Float32Array(half)) };
}

/** One row for each phase, and one more: each sums to 1, so that silence stays silent and a level stays a level. @param {number} cutoff @param {number} half */
function weights(cutoff, half) {
  const table = new Float32Array((phases + 1) * 2 * half);
  for (let phase = 0; phase <= phases; phase += 1) {
    const row = table.subarray(phase * 2 * half, (phase + 1) * 2 * half);
    let sum = 0;
    for (let k = 0; k < 2 * half; k += 1) {
      const x = k - half + 1 - phase / phases;
      const sinc = x === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x);
      const window = Math.abs(x) >= half ? 0 : 0.42 + 0.5 * Math.cos((Math.PI * x) / half) + 0.08 * Math.cos((2 * Math.PI * x) / half);
      row[k] = sinc * window;
      sum += row[k];
    }
    for (let k = 0; k < row.length; k += 1) row[k] /= sum;
  }
  return table;
}
