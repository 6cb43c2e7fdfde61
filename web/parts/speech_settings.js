// How somebody speaks and listens: shown in the room and in the check of the machine. Every switch is off at first.

import { html, useEffect, useRef, useState } from "../html.js";
import { bytes } from "../format.js";
import { chosenVoice, localVoices, openReader } from "../speech/reader.js";
import { changeSpeech, speechSettings } from "../speech/settings.js";
import { Choice } from "./choice.js";

/** @typedef {import("../types.js").SpeechStatus} SpeechStatus */

/** @param {{ speech: SpeechStatus, camera?: boolean, onCamera?: (on: boolean) => void }} props `onCamera`: only where there is a room to show it in */
export function SpeechSettings({ speech, camera = false, onCamera }) {
  const [settings, setSettings] = useState(speechSettings);
  /** @param {Partial<typeof settings>} part */
  const change = (part) => setSettings(changeSpeech(part));
  return html`<div class="speech-settings">
    <p class="note"><span class=${`state ${speech.input.available ? "" : "warn"}`}></span>${speech.input.available ? `Speech becomes text on this machine, by ${modelOf(speech)}.` : `Nothing here turns speech into text yet. ${speech.input.hint ?? ""}`}</p>
    <${Choice} legend="How you speak" name="how" value=${settings.handsFree} onPick=${(/** @type {boolean} */ handsFree) => change({ handsFree })} options=${ways} />
    ${settings.handsFree && html`<${Switch} on=${settings.sendAfterSilence} onTurn=${(/** @type {boolean} */ sendAfterSilence) => change({ sendAfterSilence })}
      title="Send by itself after a long silence" note="After 12 silent seconds it counts down from 8. A word, a key or “Still thinking” stops it." />`}
    <${Aloud} speech=${speech} settings=${settings} change=${change} />
    <${Switch} on=${settings.record} onTurn=${(/** @type {boolean} */ record) => change({ record })}
      title="Keep recordings" note="Otherwise sound is forgotten once it is text. Kept on this machine, for interviews you start from now on; deleted one by one beside the scorecard." />
    ${onCamera && html`<${Switch} on=${camera} onTurn=${onCamera} title="Show me my camera" note="A mirror for you alone: the picture goes to its frame on this page and nowhere else. It is never recorded or sent." />`}
  </div>`;
}

const ways = [
  { value: false, label: "Press to talk", note: "Press the microphone or Alt+M, or hold it while you speak. Nothing is sent until you send it." },
  { value: true, label: "Hands-free", note: "The microphone stays open. “That is my answer” sends; silence does not." },
];

/** @param {SpeechStatus} speech */
function modelOf({ input }) {
  const model = input.models?.find((one) => one.id === input.model);
  return model ? `${model.name} (${bytes(model.bytes)})` : (input.model ?? "a speech model");
}

/** @param {{ on: boolean, onTurn: (on: boolean) => void, title: string, note: string }} props */
function Switch({ on, onTurn, title, note }) {
  const id = `switch-${title.replaceAll(/\W+/g, "-").toLowerCase()}`;
  return html`<label class="switch"><input type="checkbox" checked=${on} aria-labelledby=${id} aria-describedby=${`${id}-note`} onChange=${(/** @type {any} */ event) => onTurn(event.currentTarget.checked)} />
    <span><span id=${id}>${title}</span><span id=${`${id}-note`} class="note">${note}</span></span></label>`;
}

/** @param {{ speech: SpeechStatus, settings: import("../speech/settings.js").Settings, change: (part: any) => void }} props */
function Aloud({ speech, settings, change }) {
  const [, redraw] = useState(0);
  const reader = useRef(/** @type {ReturnType<typeof openReader> | null} */ (null));
  useEffect(() => {
    // A browser tells its voices late.
    const told = () => redraw((n) => n + 1);
    globalThis.speechSynthesis?.addEventListener?.("voiceschanged", told);
    return () => {
      globalThis.speechSynthesis?.removeEventListener?.("voiceschanged", told);
      reader.current?.stop();
    };
  }, []);
  const browser = localVoices();
  const program = speech.output.available ? (speech.output.voices ?? []) : [];
  const chosen = chosenVoice(speech);
  const value = chosen === null ? "" : "browser" in chosen ? `browser:${chosen.browser.voiceURI}` : `program:${chosen.program}`;
  if (chosen === null) return html`<p class="note">No voice of this machine was found, so replies are not read out. One comes with the system’s settings, or with espeak-ng.</p>`;
  const hear = () => {
    reader.current ??= openReader(speech);
    reader.current.sample("Walk me through one request, from the first byte to the last.");
  };
  return html`<div class="aloud">
    <${Switch} on=${settings.aloud} onTurn=${(/** @type {boolean} */ aloud) => change({ aloud })} title="Read the interviewer’s replies out" note="Sentence by sentence, as they are written. Any key, or your voice, stops it." />
    ${settings.aloud && html`<div class="voice-choice">
      <label class="stacked"><span class="note">Voice</span><select value=${value} onChange=${(/** @type {any} */ event) => change({ voice: event.currentTarget.value })}>
        ${browser.length > 0 && html`<optgroup label="Of this browser, without a network">${browser.map((voice) => html`<option value=${`browser:${voice.voiceURI}`}>${voice.name} (${voice.lang})</option>`)}</optgroup>`}
        ${program.length > 0 && html`<optgroup label=${`Of ${speech.output.engine ?? "this program"}`}>${program.map((voice) => html`<option value=${`program:${voice.id}`}>${voice.name} (${voice.language})</option>`)}</optgroup>`}
      </select></label>
      <label class="stacked"><span class="note">Rate: ${settings.rate.toFixed(1)}</span><input type="range" min="0.6" max="1.6" step="0.1" value=${settings.rate} onInput=${(/** @type {any} */ event) => change({ rate: Number(event.currentTarget.value) })} /></label>
      <button type="button" class="button small" onClick=${hear}>Hear it</button>
    </div>`}
  </div>`;
}
