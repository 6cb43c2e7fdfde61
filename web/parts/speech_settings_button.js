// The way to the settings of speech in the room; they are loaded when they are opened. Holds the self-view while it is on.

import { html, useState } from "../html.js";
import { lazy } from "../lazy.js";
import { Dialog } from "./dialog.js";
import { SelfView } from "./self_view.js";

const SpeechSettings = lazy(() => import("./speech_settings.js"), "SpeechSettings");

/** @param {{ speech: import("../types.js").SpeechStatus }} props */
export function SpeechSettingsButton({ speech }) {
  const [open, setOpen] = useState(false);
  const [camera, setCamera] = useState(false);
  const close = html`<button type="button" class="button primary" onClick=${() => setOpen(false)}>Done</button>`;
  return html`
    <button type="button" class="button quiet speech-button" aria-label="Speech and camera" aria-haspopup="dialog" onClick=${() => setOpen(true)}>
      <span>Speech</span>
      <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"><path d="M3 6h7M14 6h3M3 14h3M10 14h7" /><circle cx="12" cy="6" r="2" /><circle cx="8" cy="14" r="2" /></svg>
    </button>
    ${open && html`<${Dialog} title="Speech and camera" onClose=${() => setOpen(false)} actions=${close}>
      <${SpeechSettings} speech=${speech} camera=${camera} onCamera=${setCamera} />
    </${Dialog}>`}
    ${camera && html`<${SelfView} onClose=${() => setCamera(false)} />`}
  `;
}
