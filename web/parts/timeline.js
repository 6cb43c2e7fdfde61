// Where the time went: the plan, under it how long each part was really held, and each answer, on one line of minutes.

import { html } from "../html.js";
import { clock } from "../format.js";

const width = 720;

/** @typedef {{ stage: string, planned_s: number, held_s: number, questions: number }} Part one part as the program counted it */

/** @param {{ session: import("../types.js").Session, parts: unknown }} props `parts`: of the report on the interviewer; an older scorecard has none */
export function Timeline({ session, parts }) {
  const end = Math.max(session.clock.total_ms, session.clock.elapsed_ms, ...session.turns.map((turn) => turn.at_ms ?? 0));
  if (end <= 0 || session.plan.length === 0) return null;
  const x = (/** @type {number} */ ms) => (ms / end) * width;
  const answers = session.turns.filter((turn) => turn.role === "candidate" && turn.at_ms !== undefined);
  const held = spans(parts);
  const low = held.length > 0 ? 58 : 34;
  const says = `Planned ${clock(session.clock.total_ms)}, used ${clock(session.clock.elapsed_ms)}; answers at ${answers.map((turn) => clock(turn.at_ms ?? 0)).join(", ")}`;
  return html`<details class="fold">
    <summary>Time against the plan</summary>
    <div class="timeline">
      <svg viewBox=${`0 0 ${width} ${low + 12}`} role="img" aria-label=${says}>
        ${session.plan.map((phase, index) => html`<rect class=${index % 2 ? "slot even" : "slot"} x=${x(phase.starts_ms)} width=${x(phase.ends_ms - phase.starts_ms)} y="4" height="16"><title>${phase.title}, planned</title></rect>`)}
        ${held.map(({ part, from, to }) => html`<rect class=${`slot held ${place(session, part.stage) % 2 ? "even" : ""}`} x=${x(from)} width=${Math.max(0, x(to) - x(from))} y="26" height="16"><title>${title(session, part.stage)}, held</title></rect>`)}
        <line class="scale-axis" x1="0" x2=${x(session.clock.elapsed_ms)} y1=${low} y2=${low} />
        ${answers.map((turn) => html`<circle class="scale-mean" cx=${Math.max(5, Math.min(width - 5, x(turn.at_ms ?? 0)))} cy=${low} r="5"><title>${clock(turn.at_ms ?? 0)}</title></circle>`)}
      </svg>
      <ol class="timeline-list">
        ${session.plan.map((phase) => {
          const part = held.find((one) => one.part.stage === phase.id)?.part;
          const here = answers.filter((turn) => (turn.at_ms ?? 0) >= phase.starts_ms && (turn.at_ms ?? 0) < phase.ends_ms).length;
          const planned = clock(phase.ends_ms - phase.starts_ms);
          return html`<li><span>${phase.title}</span>
            <span class="note">${part ? html`<span class=${part.held_s > part.planned_s * 1.25 ? "over" : ""}>${clock(part.held_s * 1000)}</span> of ${planned}` : `planned ${planned}`}</span>
            <span class="note">${part ? many(part.questions, "question") : many(here, "answer")}</span></li>`;
        })}
      </ol>
      <p class="note">${held.length > 0 ? "Above the plan, under it the time that each part took; each" : "Each"} dot is one of your answers when it was sent. Planned ${clock(session.clock.total_ms)}, used ${clock(session.clock.elapsed_ms)}.</p>
    </div>
  </details>`;
}

/** When each part was held: one after the other from the start. @param {unknown} parts @returns {{ part: Part, from: number, to: number }[]} */
function spans(parts) {
  let from = 0;
  return (Array.isArray(parts) ? /** @type {Part[]} */ (parts) : []).map((part) => {
    const to = from + part.held_s * 1000;
    const span = { part, from, to };
    from = to;
    return span;
  });
}

/** @param {import("../types.js").Session} session @param {string} stage */
const place = (session, stage) => session.plan.findIndex((phase) => phase.id === stage);

/** @param {import("../types.js").Session} session @param {string} stage */
const title = (session, stage) => session.plan[place(session, stage)]?.title ?? stage;

/** @param {number} n @param {string} thing */
const many = (n, thing) => (n === 0 ? `no ${thing}` : n === 1 ? `1 ${thing}` : `${n} ${thing}s`);
