// A minute before an interview: does this machine hear, play, see and answer? Nothing is recorded or sent.

import { html, useEffect, useRef, useState } from "../html.js";
import { ApiError, call } from "../api.js";
import { lazy } from "../lazy.js";
import { useSpeechStatus } from "../speech_status.js";
import { Dialog } from "./dialog.js";

const SpeechSettings = lazy(() => import("./speech_settings.js"), "SpeechSettings");

/** @typedef {{ state: "waiting" | "trying" | "good" | "bad", says: string }} Finding */

/** @type {Finding} */
const waiting = { state: "waiting", says: "" };

/** @param {{ onClose: () => void }} props */
export function DeviceCheck({ onClose }) {
  const speech = useSpeechStatus();
  const actions = html`<button type="button" class="button primary" onClick=${onClose}>Done</button>`;
  return html`<${Dialog} title="Check this machine" onClose=${onClose} actions=${actions}>
    <p>Each takes a few seconds. Only the model is needed: interviews are typed. Nothing is recorded.</p>
    <ul class="checks">
      <${ModelCheck} />
      <${Speaker} />
      <${Microphone} />
      <${Camera} />
    </ul>
    ${speech && html`<details class="fold"><summary><span>Speech <span class="note">optional</span></span></summary><${SpeechSettings} speech=${speech} /></details>`}
  </${Dialog}>`;
}

/** @param {{ name: string, finding: Finding, act: string, onAct: () => void, children?: any }} props */
function Check({ name, finding, act, onAct, children }) {
  return html`<li class="check">
    <span class=${`state ${finding.state === "bad" ? "warn" : finding.state === "good" ? "" : "off"}`}></span>
    <div><strong>${name}</strong> <span class="note" role="status">${finding.says}</span>${children}</div>
    <button type="button" class="button small" disabled=${finding.state === "trying"} aria-label=${`${act}: ${name}`} onClick=${onAct}>${act}</button>
  </li>`;
}

function ModelCheck() {
  const [finding, setFinding] = useState(waiting);
  const measure = async () => {
    setFinding({ state: "trying", says: "reading and writing a few lines…" });
    try {
      const { reads, writes } = await call("POST", "/api/check");
      const slow = writes < 4;
      setFinding({ state: slow ? "bad" : "good", says: `reads ${rate(reads)}, writes ${rate(writes)} tokens a second${slow ? ": replies will be slow; a smaller model helps" : ""}` });
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setFinding({ state: "bad", says: `${cause.message} ${cause.hint}`.trim() });
    }
  };
  return html`<${Check} name="Model" finding=${finding} act="Measure" onAct=${measure} />`;
}

/** @param {number} tokens */
export const rate = (tokens) => tokens.toFixed(tokens < 10 ? 1 : 0);

function Speaker() {
  const [finding, setFinding] = useState(waiting);
  const play = async () => {
    try {
      const audio = new AudioContext();
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      volume.gain.value = 0.1;
      tone.connect(volume).connect(audio.destination);
      tone.start();
      tone.stop(audio.currentTime + 0.8);
      tone.onended = () => audio.close();
      setFinding({ state: "good", says: "a tone was played: did you hear it?" });
    } catch {
      setFinding({ state: "bad", says: "this browser plays no sound" });
    }
  };
  return html`<${Check} name="Speaker" finding=${finding} act="Play" onAct=${play} />`;
}

/** A device as a stream, stopped when the dialog closes. @param {MediaStreamConstraints} wanted @param {(stream: MediaStream) => void | (() => void)} use */
function useDevice(wanted, use) {
  const [finding, setFinding] = useState(waiting);
  const stop = useRef(() => {});
  useEffect(() => () => stop.current(), []);
  const start = async () => {
    stop.current();
    setFinding({ state: "trying", says: "waiting for your permission…" });
    try {
      const stream = await navigator.mediaDevices.getUserMedia(wanted);
      const end = use(stream);
      stop.current = () => {
        end?.();
        for (const track of stream.getTracks()) track.stop();
      };
      setFinding({ state: "good", says: stream.getTracks()[0].label || "found" });
    } catch (cause) {
      const refused = cause instanceof DOMException && cause.name === "NotAllowedError";
      setFinding({ state: "bad", says: refused ? "not allowed: change it in the browser’s address bar" : "none was found" });
    }
  };
  return { finding, start };
}

function Microphone() {
  const level = useRef(/** @type {HTMLMeterElement | null} */ (null));
  const { finding, start } = useDevice({ audio: true }, (stream) => {
    const audio = new AudioContext();
    const analyser = audio.createAnalyser();
    audio.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let frame = 0;
    const look = () => {
      analyser.getFloatTimeDomainData(samples);
      if (level.current) level.current.value = Math.min(1, Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length) * 4);
      frame = requestAnimationFrame(look);
    };
    look();
    return () => {
      cancelAnimationFrame(frame);
      audio.close();
    };
  });
  return html`<${Check} name="Microphone" finding=${finding} act="Listen" onAct=${start}>
    <meter ref=${level} min="0" max="1" value="0" hidden=${finding.state !== "good"} aria-label="Loudness"></meter>
  </${Check}>`;
}

function Camera() {
  const picture = useRef(/** @type {HTMLVideoElement | null} */ (null));
  const { finding, start } = useDevice({ video: true }, (stream) => {
    if (picture.current) picture.current.srcObject = stream;
    picture.current?.play().catch(() => {});
  });
  return html`<${Check} name="Camera" finding=${finding} act="Look" onAct=${start}>
    <video ref=${picture} muted playsinline hidden=${finding.state !== "good"} aria-label="What the camera sees"></video>
  </${Check}>`;
}
