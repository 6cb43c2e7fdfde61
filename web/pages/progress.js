// Progress over weeks: a line per dimension, attempts compared, what has been practised, what to do next.

import { html, useEffect, useState } from "../html.js";
import { ApiError, get } from "../api.js";
import { label, score, when } from "../format.js";
import { attempts, plan, trends } from "../progress.js";
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
    <${Next} due=${plan(lines, Date.now())} />
    <section>
      <h2>Six dimensions over ${graded.length === 1 ? "one graded interview" : `${graded.length} graded interviews`}</h2>
      <p class="note">A dot is a score, the bar through it its spread, a ring a score of low confidence. What was not assessed has no dot.</p>
      <div class="trends">${lines.map((line) => html`<${TrendLine} key=${line.id} trend=${line} />`)}</div>
    </section>
    <${Attempts} lists=${attempts(graded)} />
    <${Coverage} sessions=${finished} content=${content.value} />
  </div>`;
}

/** @param {{ due: import("../progress.js").Due[] }} props */
function Next({ due }) {
  return html`<section class="next-time">
    <h2>Next sessions</h2>
    <ol class="due">
      ${due.map(
        (one) => html`<li><span><a href=${`#/for/${one.dimension}`}>${one.title}</a> in a ${label(one.round).toLowerCase()} round</span>
          <span class="note">${one.dueInDays <= 0 ? "due now" : one.dueInDays === 1 ? "due tomorrow" : `due in ${one.dueInDays} days`}: ${one.why}</span></li>`,
      )}
    </ol>
    <p class="note">The weaker the last score, the sooner it comes back: after 1, 3, 7 or 14 days. A proposal, not a measurement.</p>
  </section>`;
}

/** @param {{ lists: Graded[][] }} props */
function Attempts({ lists }) {
  if (lists.length === 0) return null;
  return html`<section>
    <h2>The same problem again</h2>
    ${lists.map(
      (list) => html`<div class="attempts">
        <h3>${list[0].summary.title}</h3>
        <ol class="plain-list">
          ${list.map(
            ({ summary, card }) => html`<li class="attempt">
              <a href=${`#/sessions/${summary.id}/scorecard`}>${when(summary.created_at)}</a>
              <span class="note">${label(summary.level)}, ${summary.minutes} min</span>
              <strong>${score(card.overall.score)}</strong>
            </li>`,
          )}
        </ol>
      </div>`,
    )}
  </section>`;
}

/** @param {{ sessions: Summary[], content: any }} props */
function Coverage({ sessions, content }) {
  /** @type {Topic[]} */
  const topics = [...(content?.problems ?? []), ...(content?.competencies ?? [])];
  if (topics.length === 0) return null;
  const times = (/** @type {Topic} */ topic) => sessions.filter((session) => session.problem === topic.id).length;
  const practised = topics.filter((topic) => times(topic) > 0);
  const open = topics.filter((topic) => times(topic) === 0);
  return html`<section>
    <h2>Practised so far</h2>
    <p>${practised.length} of ${topics.length} problems and competencies.</p>
    ${practised.length > 0 && html`<p class="note">${practised.map((topic) => `${topic.title}${times(topic) > 1 ? ` (${times(topic)} times)` : ""}`).join(" · ")}</p>`}
    ${open.length > 0 && html`<details class="fold"><summary>Not yet (${open.length})</summary><p class="note">${open.map((topic) => topic.title).join(" · ")}</p></details>`}
  </section>`;
}

/** Every finished session's newest scorecard. */
function useGraded() {
  const [state, setState] = useState(/** @type {{ graded: Graded[] | null, finished: Summary[], error: ApiError | null }} */ ({ graded: null, finished: [], error: null }));
  const [round, setRound] = useState(0);
  useEffect(() => {
    const gone = new AbortController();
    read(gone.signal).then(setState, (cause) => {
      if (cause instanceof ApiError) setState({ graded: null, finished: [], error: cause });
      else if (!gone.signal.aborted) throw cause;
    });
    return () => gone.abort();
  }, [round]);
  return { ...state, again: () => setRound((n) => n + 1) };
}

/** @param {AbortSignal} signal */
async function read(signal) {
  /** @type {Summary[]} */
  const all = await get("/api/sessions", signal);
  const finished = all.filter((session) => session.status === "finished");
  /** @type {Graded[]} */
  const graded = [];
  for (const summary of finished) {
    const path = `/api/sessions/${encodeURIComponent(summary.id)}`;
    const newest = (await get(path, signal)).scorecards.at(-1);
    if (newest !== undefined) graded.push({ summary, card: await get(`${path}/scorecards/${newest}`, signal) });
  }
  return { graded, finished, error: null };
}
