// The microphone as samples at 16,000 a second, and its troubles in plain words. Knows nothing of speech; keeps nothing.

import { resampler } from "./resample.js";

/** @typedef {{ message: string, hint: string }} Trouble */

const typing = "You can type your answer at any time.";

/** @type {Trouble} */
export const unplugged = { message: "The microphone was disconnected.", hint: `What was heard so far is kept. Connect it and press the microphone again; ${typing.toLowerCase()}` };

/** @param {unknown} cause @returns {Trouble} */
export function deviceTrouble(cause) {
  switch (cause instanceof DOMException ? cause.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return { message: "The microphone is not allowed.", hint: `Allow it in the browser’s address bar and press again. ${typing}` };
    case "NotFoundError":
    case "OverconstrainedError":
      return { message: "No microphone was found.", hint: `Connect one and press again. ${typing}` };
    case "NotReadableError":
    case "AbortError":
      return { message: "The microphone gives no sound.", hint: `Another program may be using it. ${typing}` };
    default:
      return { message: "This browser cannot listen here.", hint: `It does so only for pages on this machine (127.0.0.1 or localhost). ${typing}` };
  }
}

/**
 * @param {{ onSamples: (samples: Float32Array) => void, onGone: () => void }} heard `onGone`: the device was unplugged
 * @returns {Promise<{ close: () => void }>}
 */
export async function openMicrophone({ onSamples, onGone }) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
  const [track] = stream.getAudioTracks();
  const rate = track.getSettings().sampleRate;
  /** @type {AudioContext | undefined} */
  let audio;
  const close = () => {
    track.onended = null;
    for (const one of stream.getTracks()) one.stop();
    audio?.close().catch(() => {});
  };
  try {
    // Some browsers join a microphone only with sound at its own rate.
    audio = rate ? new AudioContext({ sampleRate: rate }) : new AudioContext();
    await audio.audioWorklet.addModule("/speech/capture.js");
    await audio.resume();
    const node = new AudioWorkletNode(audio, "capture", { numberOfInputs: 1, numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    const { push } = resampler(audio.sampleRate);
    node.port.onmessage = ({ data }) => onSamples(push(data));
    audio.createMediaStreamSource(stream).connect(node);
    track.onended = () => (close(), onGone());
  } catch (cause) {
    close();
    throw cause;
  }
  return { close };
}
