// How long a silence is and what the page may say or do about it: nothing for eight seconds, and nothing is ever sent while
// the person may be thinking, unless they asked for that and do not object. Pure.

export const quiet = 8000;
/** With "send after a long silence": the silence, then the time to object. */
export const longSilence = 12_000;
export const objection = 8000;
/** After the spoken sign of the end. */
export const afterSign = 3000;

/** @typedef {{ say: "" | "take-time", sendsIn: number | null, send: boolean }} Next `sendsIn`: milliseconds */

/**
 * @param {{ silent: number, said: boolean, holding: boolean, sendAfterSilence: boolean, signed: number | null }} now `silent`: milliseconds since
 *   the last word or key; `said`: there is an answer; `holding`: "still thinking"; `signed`: milliseconds since the spoken end
 * @returns {Next}
 */
export function patience({ silent, said, holding, sendAfterSilence, signed }) {
  if (said && signed !== null) return { say: "", sendsIn: Math.max(0, afterSign - signed), send: signed >= afterSign };
  if (holding || silent < quiet) return { say: "", sendsIn: null, send: false };
  if (!said || !sendAfterSilence || silent < longSilence) return { say: "take-time", sendsIn: null, send: false };
  const left = longSilence + objection - silent;
  return { say: "take-time", sendsIn: Math.max(0, left), send: left <= 0 };
}
