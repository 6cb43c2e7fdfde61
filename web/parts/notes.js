// What the interviewer noted on one answer, told after the end: what was heard, why the next question, what was held back.

import { html } from "../html.js";

/** @typedef {import("../types.js").TurnNotes} TurnNotes */
/** @typedef {import("../types.js").Observed} Observed */

/** @param {{ note: TurnNotes }} props */
export function TurnNote({ note }) {
  const clash = note.contradiction;
  return html`<aside class="turn-note" aria-label=${`The interviewer’s note on turn ${note.seq}`}>
    <p class="turn-note-head">Noted${note.heard && html`: <span class="note">${note.heard}</span>`}</p>
    <dl>
      <${Line} name="Covered" values=${(note.covered ?? []).map(observed)} />
      <${Line} name="Not heard" values=${note.not_heard ?? []} />
      <${Line} name="Against" values=${(note.flags ?? []).map(observed)} />
      <${Line} name="Does not fit" values=${clash ? [`“${clash.earlier}” (${clash.of_resume ? "your résumé" : `turn ${clash.earlier_seq}`}) and “${clash.now}”`] : []} />
      <${Line} name="Asked next" values=${[note.asked_about ?? ""]} />
      <${Line} name="Why" values=${[note.why]} />
      <${Line} name="Held back" values=${note.held_back ?? []} />
      <${Line} name="Put off" values=${note.parked ? [note.parked === 1 ? "one question of yours" : `${note.parked} questions of yours`] : []} />
      <${Line} name="Worded" values=${[note.worded]} />
      <${Line} name="Not judged" values=${[note.engine_trouble ?? ""]} />
    </dl>
  </aside>`;
}

/** @param {{ name: string, values: any[] }} props */
function Line({ name, values }) {
  const said = values.filter(Boolean);
  if (said.length === 0) return null;
  return html`<div><dt>${name}</dt><dd>${said.length === 1 ? said[0] : html`<ul>${said.map((value) => html`<li>${value}</li>`)}</ul>`}</dd></div>`;
}

/** @param {Observed} one */
const observed = ({ what, quote }) => (quote ? html`${what} <span class="note">“${quote}”</span>` : what);
