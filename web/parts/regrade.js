// Another reading of the same interview: with another seed, another model, or with what the candidate adds. Always a
// new scorecard beside the earlier ones.

import { html, useState } from "../html.js";
import { utf8Length } from "../format.js";
import { useFetched } from "../use.js";
import { Dialog } from "./dialog.js";

const limit = 32 * 1024;

/** @typedef {{ seed?: number, model?: string, dispute?: string }} GradeOptions */

/** @param {{ card: import("../types.js").Scorecard, grade: (options: GradeOptions) => void }} props */
export function Regrade({ card, grade }) {
  const [open, setOpen] = useState(/** @type {"again" | "dispute" | null} */ (null));
  const seed = (Number(card.provenance?.seed) || 0) + 1;
  /** @param {GradeOptions} options */
  const go = (options) => {
    setOpen(null);
    grade(options);
  };
  return html`<div class="actions">
    <button type="button" class="button" onClick=${() => setOpen("dispute")}>Dispute</button>
    <button type="button" class="button" onClick=${() => setOpen("again")}>Grade again</button>
    ${open === "again" && html`<${Again} used=${card.provenance?.model} onGrade=${(/** @type {string | undefined} */ model) => go(model ? { seed, model } : { seed })} onClose=${() => setOpen(null)} />`}
    ${open === "dispute" && html`<${Dispute} onGrade=${(/** @type {string} */ dispute) => go({ dispute, seed: Number(card.provenance?.seed) || 0 })} onClose=${() => setOpen(null)} />`}
  </div>`;
}

/** @param {{ used: string, onGrade: (model?: string) => void, onClose: () => void }} props */
function Again({ used, onGrade, onClose }) {
  const models = useFetched("/api/models");
  const status = useFetched("/api/status");
  const loaded = /** @type {any} */ (status.value)?.model?.id ?? used;
  const list = /** @type {import("../types.js").Model[]} */ (Array.isArray(models.value) ? models.value : (/** @type {any} */ (models.value)?.models ?? []));
  const others = list.filter((model) => model.installed && model.id !== loaded);
  const [chosen, setChosen] = useState("");
  const actions = html`<button type="button" class="button quiet" onClick=${onClose}>Cancel</button>
    <button type="button" class="button primary" onClick=${() => onGrade(chosen || undefined)}>Grade again</button>`;
  return html`<${Dialog} title="Grade again" onClose=${onClose} actions=${actions}>
    <p>The same transcript is read once more. The scorecards you have stay; the readings are shown side by side.</p>
    <label class="stacked"><span class="note">Model</span>
      <select value=${chosen} onChange=${(/** @type {any} */ event) => setChosen(event.currentTarget.value)}>
        <option value="">${loaded} (in use)</option>
        ${others.map((model) => html`<option value=${model.id} disabled=${model.fits === false}>${model.title ?? model.id}${model.fits === false ? " (does not fit in memory)" : ""}</option>`)}
      </select>
    </label>
    <p class="note">${chosen ? "It is loaded beside the one in use, for this grade only." : others.length === 0 ? html`No other model is installed. <a href="#/models">Models</a>` : "Another model may judge otherwise: that is worth knowing."}</p>
  </${Dialog}>`;
}

/** @param {{ onGrade: (text: string) => void, onClose: () => void }} props */
function Dispute({ onGrade, onClose }) {
  const [text, setText] = useState("");
  const size = utf8Length(text);
  const words = text.trim().split(/\s+/).filter(Boolean).length;
  const tooLong = size > limit;
  const actions = html`<button type="button" class="button quiet" onClick=${onClose}>Cancel</button>
    <button type="button" class="button primary" disabled=${words < 5 || tooLong} onClick=${() => onGrade(text.trim())}>Grade with it</button>`;
  return html`<${Dialog} title="Dispute this scorecard" onClose=${onClose} actions=${actions}>
    <p>Say what the grader missed or could not know. It is read as one more answer and graded by the same rules; the second reading is logged beside the first, with your words in it.</p>
    <label class="stacked"><span class="note">What you add</span>
      <textarea rows="6" value=${text} onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)}></textarea></label>
    <p class=${`note ${tooLong ? "error" : ""}`} role="status">${tooLong ? `${(size / 1024).toFixed(1)} KiB: at most 32 are taken. Shorten it.` : words < 5 ? "At least five words." : ""}</p>
  </${Dialog}>`;
}
