// Time: what is left in all and in this phase, and where the interview stands in its plan.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { elapsed } from "../elapsed.js";
import { clock, spokenMinutes } from "../format.js";

/** @typedef {import("../types.js").Session} Session */

/** @param {Session} session */
function useElapsed(session) {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!session.clock.running) return;
    const timer = setInterval(() => tick((n) => n + 1), 500);
    return () => clearInterval(timer);
  }, [session.clock.running]);
  return elapsed(session.clock);
}

/** @param {{ session: Session }} props */
export function TimeLeft({ session }) {
  const used = useElapsed(session);
  const left = session.clock.total_ms - used;
  const warning = session.status === "finished" ? "" : left <= 0 ? "The planned time is up. Finish when you are ready." : left <= 180_000 ? "3 minutes left" : left <= 600_000 && session.clock.total_ms > 600_000 ? "10 minutes left" : "";
  const finished = session.status === "finished";
  // The warning stands in the word beside the clock: it moves nothing and is there for as long as it holds.
  const near = left <= 180_000 ? "last 3 minutes" : left <= 600_000 && session.clock.total_ms > 600_000 ? "last 10 minutes" : "left";
  const state = finished ? "used" : session.status === "paused" ? "paused" : left < 0 ? "over" : near;
  return html`<div class=${`time ${finished ? "" : left <= 180_000 ? "short" : left <= 600_000 && session.clock.total_ms > 600_000 ? "soon" : ""}`}>
    <span class="time-value" role="timer" aria-label=${finished ? `${spokenMinutes(used)} used` : `${spokenMinutes(Math.abs(left))} ${left < 0 ? "over" : "left"}`}>${clock(finished ? used : Math.abs(left))}</span>
    <span class="note">${state}</span>
    <span class="sr" role="status">${warning}</span>
  </div>`;
}

/** @param {{ session: Session }} props */
export function PhaseRail({ session }) {
  const used = useElapsed(session);
  const current = session.plan.findIndex((phase) => phase.id === session.phase);
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => {
    const now = /** @type {HTMLElement | null} */ (list.current?.querySelector(".now") ?? null);
    // On a narrow screen the plan is a strip: it shows where the interview is.
    list.current?.parentElement?.scrollTo({ left: (now?.offsetLeft ?? 0) - 16 });
  }, [session.phase]);
  return html`<nav class="phases" aria-label="Phases" tabindex="0">
    <ol ref=${list}>
      ${session.plan.map((phase, index) => {
        const where = index < current ? "done" : index === current ? "now" : "next";
        return html`<li class=${where} aria-current=${where === "now" ? "step" : undefined}>
          <span class="phase-title">${phase.title}</span>
          <span class="phase-time">${where === "now" && session.status !== "finished" ? html`<${PhaseClock} phase=${phase} used=${used} />` : spokenShort(phase)}</span>
          ${where === "now" && html`<span class="phase-bar" aria-hidden="true"><${Bar} part=${(used - phase.starts_ms) / (phase.ends_ms - phase.starts_ms)} /></span>`}
        </li>`;
      })}
    </ol>
  </nav>`;
}

/** @param {{ phase: import("../types.js").Phase, used: number }} props */
function PhaseClock({ phase, used }) {
  const left = phase.ends_ms - used;
  return left >= 0 ? html`<span>${clock(left)}</span>` : html`<span class="over">+${clock(-left)}</span>`;
}

/** @param {{ part: number }} props */
function Bar({ part }) {
  const width = Math.max(0, Math.min(1, part)) * 100;
  return html`<span style=${{ width: `${width}%` }}></span>`;
}

/** @param {import("../types.js").Phase} phase */
function spokenShort(phase) {
  const minutes = (phase.ends_ms - phase.starts_ms) / 60_000;
  return `${Number.isInteger(minutes) ? minutes : minutes.toFixed(1)} min`;
}
