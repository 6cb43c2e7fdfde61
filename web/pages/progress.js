// Progress over weeks: a line per dimension, attempts compared, what has been practised, what to do next.

import { html, useEffect, useState } from "../html.js";
import { ApiError } from "../api.js";
import { label, score, when } from "../format.js";
import { readGraded } from "../graded.js";
import { attempts, coverage, plan, proposals, trends } from "../progress.js";
import { useFetched } from "../use.js";
import { Failure } from "../parts/notice.js";
import { TrendLine } from "../parts/trend_line.js";

/** @typedef {import("../progress.js").Graded} Graded */
/** @typedef {import("../types.js").Summary} Summary */
/** @typedef {import("../types.js").Topic} Topic */

export function Progress() {
  const { graded, finished, error, again } = useGraded();
  const content = useFetched("/api/content");
  if (error) return html`<div class="page narrow"><h1>Progress</h1><${Failure} error=${error} retry=${again} /></div>`;
  if (!graded) return html`<div class="page narrow"><h1>Progress</h1><p class="note" role="status">Reading the scorecards…</p></div>`;
  if (graded.length === 0) {
    return html`<div class="page narrow"><h1>Progress</h1>
      <p class="empty">Nothing to compare yet. After your first graded interview each dimension gets a line here, with its spread, and a suggestion what to practise next.</p>
      <p><a class="button primary" href="#/">Start an interview</a></p></div>`;
  }
  const lines = trends(graded);
  return html`<div class="page narrow progress-page">
    <h1>Progress</h1>
    <${Next} due=${proposals(plan(lines, Date.now()), finished, /** @type {any} */ (content.value))} />
    <section>
      <h2>Six dimensions over ${graded.length === 1 ? "one graded interview" : `${graded.length} graded interviews`}</h2>
      <p class="note">A dot is a score, the bar through it its spread, a ring a score of low confidence. What was not assessed has no dot.</p>
      <div class="trends">${lines.map((line) => html`<${TrendLine} key=${line.id} trend=${line} />`)}</div>
    </section>
    <${Attempts} lists=${attempts(graded)} />
    <${Coverage} sessions=${finished} content=${content.value} />
  </div>`;
}

/** @param {{ due: ReturnType<typeof proposals> }} props */
function Next({ due }) {
  return html`<section class="next-time">
    <h2>Next sessions</h2>
    <ol class="due">
      ${due.map(
        (one) => html`<li><span><a href=${`#/for/${one.dimension}${one.topic ? `/${one.topic.id}` : ""}`}>${one.title}</a> in a ${label(one.round).toLowerCase()} round${one.topic && html`: <strong>${one.topic.title}</strong>`}</span>
          <span class="note">${one.dueInDays <= 0 ? "due now" : one.dueInDays === 1 ? "due tomorrow" : `due in ${one.dueInDays} days`}: ${one.why}${one.topic && `; this one ${one.whyTopic}`}</span></li>`,
      )}
    </ol>
    <p class="note">The weaker the last score, the sooner it comes back: after 1, 3, 7 or 14 days; good scores in a row double the pause. A proposal, not a measurement.</p>
  </section>`;
}

/** @param {{ lists: Graded[][] }} props */
function Attempts({ lists }) {
  if (lists.length === 0) return null;
  return html`<section>
    <h2>The same problem again</h2>
    ${lists.map((list) => html`<${Compared} list=${list} />`)}
    <p class="note">± is half the spread of a score. A difference smaller than the spreads says nothing.</p>
  </section>`;
}

/** Attempts at one problem, dimension by dimension. @param {{ list: Graded[] }} props */
function Compared({ list }) {
  const title = list[0].summary.title;
  const shown = list.slice(-4);
  return html`<div class="attempts">
    <h3>${title}</h3>
    <div class="md-wide" tabindex="0" role="region" aria-label=${`Attempts at ${title}`}>
      <table class="readings">
        <thead><tr><td></td>${shown.map(({ summary }) => html`<th scope="col"><a href=${`#/sessions/${summary.id}/scorecard`}>${when(summary.created_at)}</a><br />${label(summary.level)}, ${summary.minutes} min</th>`)}</tr></thead>
        <tbody>
          ${shown[0].card.dimensions.map((row) => html`<tr><th scope="row">${row.title}</th>${shown.map(({ card }) => {
            const one = card.dimensions.find((known) => known.id === row.id);
            return html`<td>${score(one?.score)}${one?.score != null && one.spread ? html` <span class="note">± ${(one.spread / 2).toFixed(1)}</span>` : ""}</td>`;
          })}</tr>`)}
          <tr class="total"><th scope="row">Overall</th>${shown.map(({ card }) => html`<td>${score(card.overall.score)}</td>`)}</tr>
        </tbody>
      </table>
    </div>
    ${list.length > shown.length && html`<p class="note">The newest ${shown.length} of ${list.length}; all are in the <a href="#/history">history</a>.</p>`}
  </div>`;
}

/** @param {{ sessions: Summary[], content: any }} props */
function Coverage({ sessions, content }) {
  /** @type {[string, Topic[]][]} */
  const parts = [["Competencies", content?.competencies ?? []], ["Design problems", content?.problems ?? []]];
  if (parts.every(([, topics]) => topics.length === 0)) return null;
  return html`<section>
    <h2>Covered so far</h2>
    ${parts.map(([title, topics]) => {
      const rows = coverage(topics, sessions);
      const done = rows.filter((row) => row.times > 0);
      return html`<details class="fold">
        <summary><span>${title}: ${done.length} of ${rows.length}</span></summary>
        <ul class="rows covered">
          ${[...done, ...rows.filter((row) => row.times === 0)].map((row) => html`<li class="row"><span class="row-main">${row.topic.title}</span>
            <span class="note">${row.times === 0 ? "not yet" : `${row.times === 1 ? "once" : `${row.times} times`}, last ${when(row.last ?? "")}`}</span>
            <span class="dimension-score">${row.times === 0 ? "" : score(row.overall)}</span></li>`)}
        </ul>
      </details>`;
    })}
  </section>`;
}

/** Every finished session's newest scorecard. */
function useGraded() {
  const [state, setState] = useState(/** @type {{ graded: Graded[] | null, finished: Summary[], error: ApiError | null }} */ ({ graded: null, finished: [], error: null }));
  const [round, setRound] = useState(0);
  useEffect(() => {
    const gone = new AbortController();
    readGraded(gone.signal).then((read) => setState({ ...read, error: null }), (cause) => {
      if (cause instanceof ApiError) setState({ graded: null, finished: [], error: cause });
      else if (!gone.signal.aborted) throw cause;
    });
    return () => gone.abort();
  }, [round]);
  return { ...state, again: () => setRound((n) => n + 1) };
}
