// A hint shows what it costs before it is taken.

import { html } from "../html.js";
import { Confirm, Dialog } from "./dialog.js";

/** @param {{ cost: string | null, round: string, busy: boolean, onYes: () => void, onNo: () => void }} props */
export function HintDialog({ cost, round, busy, onYes, onNo }) {
  if (!cost) {
    const why = round === "behavioural"
      ? "In a behavioural round there are no hints on content. Take your time, or ask the interviewer to put the question another way."
      : "There is no hint to give at this point. Say what you know, what you assume, and how you would find out.";
    const close = html`<button type="button" class="button" onClick=${onNo}>Close</button>`;
    return html`<${Dialog} title="No hint here" onClose=${onNo} actions=${close}><p>${why}</p></${Dialog}>`;
  }
  return html`<${Confirm} title="Take a hint?" yes="Take the hint" busy=${busy} onYes=${onYes} onNo=${onNo}>
    <p>What it costs: <strong>${cost}</strong>.</p>
    <p class="note">Each further hint on a topic says more and costs more. Hints are listed in the scorecard.</p>
  </${Confirm}>`;
}
