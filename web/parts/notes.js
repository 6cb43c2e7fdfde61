// What the interviewer noted after each answer: what was heard, why the next question came, what was held back.

import { html } from "../html.js";
import { label } from "../format.js";

/** @typedef {{ id: string, quote: string }} Finding */
/**
 * @typedef {{ class?: string, covered?: Finding[], flags?: Finding[], contradiction?: { earlier: string, now: string } | null,
 *   engine_trouble?: string | null, next?: { why?: string, held_back?: string[] } | null }} Note
 */

/** @param {{ notes: Record<string, Note> | null | undefined, onTurn: (turn: number) => void }} props */
export function Notes({ notes, onTurn }) {
  const entries = Object.entries(notes ?? {}).filter(([, note]) => note !== null && typeof note === "object");
  if (entries.length === 0) return null;
  return html`<details class="fold">
    <summary>The interviewer’s notes</summary>
    <ol class="notes">
      ${entries.map(([turn, note]) => html`<${NoteView} key=${turn} turn=${Number(turn)} note=${note} onTurn=${onTurn} />`)}
    </ol>
  </details>`;
}

/** @param {{ turn: number, note: Note, onTurn: (turn: number) => void }} props */
function NoteView({ turn, note, onTurn }) {
  const flags = note.flags ?? [];
  const held = note.next?.held_back ?? [];
  return html`<li>
    <p><button type="button" class="turn-link" onClick=${() => onTurn(turn)}>Turn ${turn}</button>${note.class && html` <span class="note">taken as: ${label(note.class).toLowerCase()}</span>`}</p>
    <dl class="verdicts">
      <${Line} name="Heard" values=${(note.covered ?? []).filter((finding) => finding.quote).map((finding) => `“${finding.quote}”`)} />
      <${Line} name="Against" values=${flags.filter((finding) => finding.quote).map((finding) => `“${finding.quote}”`)} />
      ${note.contradiction && html`<${Line} name="Does not fit" values=${[`“${note.contradiction.earlier}” and “${note.contradiction.now}”`]} />`}
      <${Line} name="Next question" values=${note.next?.why ? [note.next.why] : []} />
      <${Line} name="Held back" values=${held.length ? [held.join(", ")] : []} />
      <${Line} name="Trouble" values=${note.engine_trouble ? [note.engine_trouble] : []} />
    </dl>
  </li>`;
}

/** @param {{ name: string, values: string[] }} props */
function Line({ name, values }) {
  if (values.length === 0) return null;
  return html`<div><dt>${name}</dt><dd>${[...new Set(values)].map((value) => html`<p>${value}</p>`)}</dd></div>`;
}
