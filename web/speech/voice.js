// Is somebody speaking? Decided every 20 ms from loudness against the quietest moments of the last seconds. Pure: no clock
// but the count of samples. It only cuts sound into pieces; what was said is for the recogniser.

import { target } from "./resample.js";

export const frameMs = 20;
export const frame = (target * frameMs) / 1000;

/** Even while somebody speaks there is a quiet moment in four seconds; a noise that stays is the room. */
const memory = 4000 / frameMs;
const quietest = -66;
/** Under this nothing counts as speech, however quiet the room. */
const audible = -52;
const begins = 9;
const goesOn = 5;
/** So much of the last frames must be loud for a beginning: a click is not a voice. */
const onset = 4;
/** Between two words nobody has stopped. */
const hangover = 300 / frameMs;

/**
 * @returns {(samples: Float32Array, raised?: number) => { speaking: boolean, level: number }} takes one frame; `raised`: so many
 *   decibels more are asked for, while the machine itself speaks. `level`: 0 to 1, for a meter.
 */
export function voiceActivity() {
  /** @type {number[]} */
  const history = [];
  let smooth = quietest;
  let loud = 0;
  let quiet = hangover;
  let speaking = false;
  return (samples, raised = 0) => {
    const now = decibels(samples);
    smooth += (now - smooth) * (history.length === 0 ? 1 : 0.4);
    history.push(smooth);
    if (history.length > memory) history.shift();
    // At first nothing is known of the room: it is taken for a quiet one.
    const heard = Math.min(...history);
    const floor = Math.max(quietest, history.length < 1000 / frameMs ? Math.min(heard, -56) : heard);
    const over = now - floor - raised;
    const counts = now > audible + raised && over > (speaking ? goesOn : begins);
    loud = counts ? Math.min(loud + 1, 2 * onset) : Math.max(loud - 1, 0);
    quiet = counts ? 0 : quiet + 1;
    if (!speaking && loud >= onset) speaking = true;
    else if (speaking && quiet > hangover) {
      speaking = false;
      loud = 0;
    }
    return { speaking, level: Math.max(0, Math.min(1, (now + 60) / 50)) };
  };
}

/** Root mean square against full scale. @param {Float32Array} samples */
function decibels(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.max(-100, 10 * Math.log10(sum / samples.length + 1e-10));
}
