// The scorecard: first what to do next time, then six dimensions with their evidence, beside what was said.

import { html, useEffect, useRef, useState } from "../html.js";
import { label, score, when } from "../format.js";
import { useScorecard } from "../grading.js";
import { useUnfoldedPrint } from "../print.js";
import { useFetched } from "../use.js";
import { Delivery, Recordings } from "../parts/delivery.js";
import { DimensionRow } from "../parts/dimension.js";
import { WasRead } from "../parts/elsewhere.js";
import { Exports } from "../parts/exports.js";
import { Failure, Notice } from "../parts/notice.js";
import { InterviewerReport } from "../parts/interviewer_report.js";
import { Landing } from "../parts/landing.js";
import { Prose } from "../parts/prose.js";
import { QuoteButton } from "../parts/quote.js";
import { Readings } from "../parts/readings.js";
import { Regrade } from "../parts/regrade.js";
import { Record } from "../parts/record.js";
import { ScaleHead } from "../parts/scale.js";
import { Timeline } from "../parts/timeline.js";

/** @typedef {import("../types.js").Scorecard} Card */
/** @typedef {import("../types.js").Session} Session */
/** @typedef {import("../types.js").Quote} Quote */

/** @param {{ id: string, number: number | null }} props */
export function ScorecardPage({ id, number }) {
  const { session, card, landed, error, load, grade } = useScorecard(id, number);
  const [quote, setQuote] = useState(/** @type {Quote | null} */ (null));
  const from = useRef(/** @type {HTMLElement | null} */ (null));
  const content = useFetched("/api/content");
  useUnfoldedPrint();
  const rubric = /** @type {any} */ (content.value)?.rubric;

  useEffect(() => {
    if (session) document.title = `Scorecard: ${session.title} – offrecord`;
  }, [session?.title]);

  /** @param {Quote} wanted */
  const jump = (wanted) => {
    from.current = /** @type {HTMLElement} */ (document.activeElement);
    setQuote({ ...wanted });
  };
  const back = () => {
    setQuote(null);
    from.current?.focus();
    from.current?.scrollIntoView({ block: "center" });
  };

  return html`<div class="page scorecard">
    <div class="report">
      <${Head} session=${session} card=${card} />
      <${WasRead} hosts=${card ? card.provenance?.leaves_for : session?.leaves_for} graded=${card !== null} />
      ${error && html`<${Failure} error=${error} retry=${card || session?.status !== "finished" ? load : () => grade()} />`}
      ${!session && !error && html`<p class="note" role="status">Opening the scorecard…</p>`}
      ${session && session.status !== "finished" && !card &&
      html`<${Notice} title="This interview is not finished" actions=${html`<a class="button" href=${`#/sessions/${id}`}>Go on</a>`}>It is graded when you finish it.</${Notice}>`}
      ${landed && html`<${Landing} landed=${landed} />`}
      ${card && !landed && html`<${Body} card=${card} session=${session} rubric=${rubric} onJump=${jump} />`}
      ${card && session && !landed && html`<${Foot} session=${session} card=${card} grade=${grade} />`}
    </div>
    ${session && html`<${Record} session=${session} quote=${quote} onBack=${back} />`}
  </div>`;
}

/** @param {{ session: Session | null, card: Card | null }} props */
function Head({ session, card }) {
  return html`<header class="report-head">
    <div>
      <p class="note">${session ? `${label(session.round)} · ${label(session.level)} · ${session.minutes} minutes · ${when(session.created_at)}` : " "}</p>
      <h1>${session?.title ?? "Scorecard"}</h1>
    </div>
    ${card &&
    html`<p class="overall">
      <span class="overall-score">${score(card.overall.score)}</span>
      <span class="note">${card.overall.score === null ? "" : "of 5 · "}${label(card.overall.level_reading)}</span>
    </p>`}
  </header>`;
}

/** @param {{ card: Card, session: Session | null, rubric: any, onJump: (quote: Quote) => void }} props */
function Body({ card, session, rubric, onJump }) {
  const hints = card.hints ?? [];
  const refused = card.refused_turns ?? [];
  const contradictions = card.contradictions ?? [];
  const toTurn = (/** @type {number} */ turn) => onJump({ turn, quote: "", start: 0, end: 0 });
  return html`
    <${NextTime} card=${card} />
    <section aria-labelledby="dimensions">
      <h2 id="dimensions">Six dimensions</h2>
      <div class="scale-head-row"><span></span><${ScaleHead} /></div>
      <div class="dimensions">
        ${card.dimensions.map((dimension) => html`<${DimensionRow} key=${dimension.id} dimension=${dimension} onJump=${onJump}
          anchors=${rubric?.dimensions?.find((/** @type {any} */ d) => d.id === dimension.id)?.anchors} />`)}
      </div>
      <p class="note">${card.overall.note}</p>
    </section>
    ${contradictions.length > 0 &&
    html`<section>
      <h2>Two things that do not fit together</h2>
      ${contradictions.map((pair) => html`<div class="contradiction"><p>${pair.reason}</p><${QuoteButton} quote=${pair.first} onJump=${onJump} /><${QuoteButton} quote=${pair.second} onJump=${onJump} /></div>`)}
    </section>`}
    ${refused.length > 0 &&
    html`<section>
      <h2>Answers that were not graded</h2>
      <ul class="plain-list">
        ${refused.map((turn) => html`<li><button type="button" class="turn-link" onClick=${() => onJump(turn.quote ?? { turn: turn.turn, quote: "", start: 0, end: 0 })}>Turn ${turn.turn}</button> ${turn.message}</li>`)}
      </ul>
    </section>`}
    ${hints.length > 0 &&
    html`<section>
      <h2>Hints taken</h2>
      <ul class="plain-list">
        ${hints.map((hint) => html`<li><strong>Hint ${hint.rung}</strong> ${hint.text} <span class="note">Cost: ${hint.cost}</span></li>`)}
      </ul>
    </section>`}
    ${card.dispute && html`<section class="added"><h2>Added in a dispute</h2><p class="line-text">${card.dispute}</p></section>`}
    ${session && session.scorecards.length > 1 && html`<${Readings} session=${session} />`}
    ${session && html`<${Timeline} session=${session} parts=${card.interviewer_report?.parts} />`}
    ${session?.model_answer && html`<details class="fold"><summary>A model answer</summary><${Prose} text=${session.model_answer} /></details>`}
    ${session && html`<${Delivery} session=${session} onTurn=${toTurn} /><${Recordings} session=${session} onTurn=${toTurn} />`}
    <${InterviewerReport} report=${card.interviewer_report} onTurn=${toTurn} />
    <${Provenance} provenance=${card.provenance} />
  `;
}

/** The one paragraph that matters. @param {{ card: Card }} props */
function NextTime({ card }) {
  const scored = card.dimensions.filter((dimension) => dimension.status === "scored" && dimension.score !== null && dimension.score < 5);
  const weakest = scored.toSorted((a, b) => Number(b.core) - Number(a.core) || (a.score ?? 5) - (b.score ?? 5))[0];
  const text = weakest
    ? [weakest.gap, weakest.drill].filter(Boolean).join(" ")
    : "There was too little to grade. Next time answer in several sentences: what you would do, why, and what you leave out.";
  return html`<section class="next-time" aria-labelledby="next-time">
    <h2 id="next-time">Next time</h2>
    <p>${text}</p>
    ${weakest && html`<p class="note">From your weakest dimension, ${weakest.title.toLowerCase()}.</p>`}
  </section>`;
}

/** @param {{ provenance: Record<string, any> }} props */
function Provenance({ provenance }) {
  return html`<details class="fold">
    <summary>How this was graded</summary>
    <dl class="facts">
      ${Object.entries(provenance ?? {}).map(
        ([name, value]) => html`<div><dt>${label(name).replace("sha256", "SHA-256")}</dt><dd class=${name.endsWith("sha256") ? "hash" : ""}>${value === null || value === "" ? "none" : String(value)}</dd></div>`,
      )}
    </dl>
  </details>`;
}

/** @param {{ session: Session, card: Card, grade: (options: import("../parts/regrade.js").GradeOptions) => void }} props */
function Foot({ session, card, grade }) {
  return html`<footer class="report-foot">
    <${Exports} session=${session} />
    <${Regrade} card=${card} grade=${grade} />
  </footer>`;
}
