// How far a piece of work is: bytes, rate, time left, and a way to stop it.

import { html } from "../html.js";
import { bytes, clock } from "../format.js";

/** @param {{ label: string, work: { done: number, total: number, rate: number, stage: string, stop?: () => void } }} props */
export function WorkBar({ label, work }) {
  const { done, total, rate, stage, stop } = work;
  const left = rate > 0 && total ? ((total - done) / rate) * 1000 : null;
  const facts = [total ? `${bytes(done)} of ${bytes(total)}` : "starting", rate > 0 && `${bytes(rate)}/s`, left !== null && `${clock(left)} left`, stage];
  return html`<div class="row-wide pull">
    <progress value=${total ? done / total : undefined} max="1" aria-label=${label}></progress>
    <p class="note">${facts.filter(Boolean).join(" · ")}</p>
    ${stop && html`<button type="button" class="button small quiet" onClick=${stop}>Stop</button>`}
  </div>`;
}
