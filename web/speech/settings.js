// How this person speaks and listens, kept in this browser. Everything is off until it is asked for.

const key = "offrecord.speech";

/**
 * @typedef {{ handsFree: boolean, sendAfterSilence: boolean, aloud: boolean, voice: string, rate: number, record: boolean }} Settings
 *   `voice`: "browser:URI", "program:ID", or empty for the first that is here
 */

/** @type {Settings} */
const first = { handsFree: false, sendAfterSilence: false, aloud: false, voice: "", rate: 1, record: false };

/** @returns {Settings} */
export function speechSettings() {
  try {
    return { ...first, ...JSON.parse(localStorage.getItem(key) ?? "{}") };
  } catch {
    return first;
  }
}

/** @param {Partial<Settings>} part */
export function changeSpeech(part) {
  const next = { ...speechSettings(), ...part };
  localStorage.setItem(key, JSON.stringify(next));
  dispatchEvent(new CustomEvent("offrecord.speech"));
  return next;
}
