// What this machine can hear and say: asked once, when somebody is in a room. An older program knows nothing of it.

import { useEffect, useState } from "./html.js";
import { get } from "./api.js";

/** @typedef {import("./types.js").SpeechStatus} SpeechStatus */

/** @type {Promise<SpeechStatus | null> | null} */
let asked = null;

/** @returns {Promise<SpeechStatus | null>} */
export function speechStatus() {
  asked ??= get("/api/speech").catch(() => (asked = null));
  return asked;
}

export function useSpeechStatus() {
  const [status, setStatus] = useState(/** @type {SpeechStatus | null} */ (null));
  useEffect(() => {
    let here = true;
    speechStatus().then((found) => here && setStatus(found));
    return () => {
      here = false;
    };
  }, []);
  return status;
}

/** Whether the person has asked for recordings, in the settings of speech. */
export function recordingWanted() {
  try {
    return JSON.parse(localStorage.getItem("offrecord.speech") ?? "{}").record === true;
  } catch {
    return false;
  }
}
