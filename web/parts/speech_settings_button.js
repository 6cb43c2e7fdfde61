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
    <button type="button" class="button quiet" aria-haspopup="dialog" onClick=${() => setOpen(true)}>Speech</button>
    ${open && html`<${Dialog} title="Speech and camera" onClose=${() => setOpen(false)} actions=${close}>
      <${SpeechSettings} speech=${speech} camera=${camera} onCamera=${setCamera} />
    </${Dialog}>`}
    ${camera && html`<${SelfView} onClose=${() => setCamera(false)} />`}
  `;
}
