// Where the time went: the plan above, the answers below, on one line of minutes.

import { html } from "../html.js";
import { clock } from "../format.js";

const width = 720;

/** @param {{ session: import("../types.js").Session }} props */
export function Timeline({ session }) {
  const end = Math.max(session.clock.total_ms, session.clock.elapsed_ms, ...session.turns.map((turn) => turn.at_ms ?? 0));
  if (end <= 0 || session.plan.length === 0) return null;
  const x = (/** @type {number} */ ms) => (ms / end) * width;
  const answers = session.turns.filter((turn) => turn.role === "candidate" && turn.at_ms !== undefined);
  const says = `Planned ${clock(session.clock.total_ms)}, used ${clock(session.clock.elapsed_ms)}; answers at ${answers.map((turn) => clock(turn.at_ms ?? 0)).join(", ")}`;
  return html`<details class="fold">
    <summary>Time against the plan</summary>
    <div class="timeline">
      <svg viewBox=${`0 0 ${width} 46`} role="img" aria-label=${says}>
        ${session.plan.map((phase, index) => html`<rect class=${index % 2 ? "slot even" : "slot"} x=${x(phase.starts_ms)} width=${x(phase.ends_ms - phase.starts_ms)} y="4" height="16"><title>${phase.title}</title></rect>`)}
        <line class="scale-axis" x1="0" x2=${x(session.clock.elapsed_ms)} y1="34" y2="34" />
        ${answers.map((turn) => html`<circle class="scale-mean" cx=${Math.max(5, Math.min(width - 5, x(turn.at_ms ?? 0)))} cy="34" r="5"><title>${clock(turn.at_ms ?? 0)}</title></circle>`)}
      </svg>
      <ol class="timeline-list">
        ${session.plan.map((phase) => {
          const here = answers.filter((turn) => (turn.at_ms ?? 0) >= phase.starts_ms && (turn.at_ms ?? 0) < phase.ends_ms).length;
          return html`<li><span>${phase.title}</span><span class="note">${clock(phase.starts_ms)} to ${clock(phase.ends_ms)}</span><span class="note">${here === 0 ? "no answer" : here === 1 ? "1 answer" : `${here} answers`}</span></li>`;
        })}
      </ol>
      <p class="note">Planned ${clock(session.clock.total_ms)}, used ${clock(session.clock.elapsed_ms)}. Each dot is one of your answers when it was sent.</p>
    </div>
  </details>`;
}
