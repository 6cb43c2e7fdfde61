// The first time in the room: three short steps, beside the work and never in its way.

import { html, useState } from "../html.js";

const seen = "offrecord.toured";

const steps = [
  ["Ask before you draw", "The problem is vague on purpose. Say what you want to know, or what you assume; the clock of each phase is in the plan."],
  ["Your words are kept", "Every keystroke is saved on this machine. Send with Ctrl+Enter; until then nothing counts. Reload or close the tab at any time."],
  ["Help has a price tag", "A hint shows what it costs before you take it. “I don’t know, but I would find out by …” counts well. Ctrl+/ lists all keys."],
];

export function Tour() {
  const [step, setStep] = useState(() => (localStorage.getItem(seen) ? steps.length : 0));
  if (step >= steps.length) return null;
  /** @param {number} to */
  const go = (to) => {
    if (to >= steps.length) localStorage.setItem(seen, "yes");
    setStep(to);
  };
  const [title, text] = steps[step];
  const last = step === steps.length - 1;
  return html`<div class="notice tour" role="note" aria-label=${`First steps, ${step + 1} of ${steps.length}`}>
    <div>
      <p class="notice-title">${title}</p>
      <p>${text}</p>
    </div>
    <div class="actions">
      <span class="note">${step + 1} of ${steps.length}</span>
      ${!last && html`<button type="button" class="button small quiet" onClick=${() => go(steps.length)}>Skip</button>`}
      <button type="button" class="button small" onClick=${() => go(step + 1)}>${last ? "Got it" : "Next"}</button>
    </div>
  </div>`;
}
