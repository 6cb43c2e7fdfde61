// Benchmark runs on this machine: listed with their numbers, opened in a frame without script, compared in pairs.

import { html, useEffect, useState } from "../html.js";
import { ApiError, get } from "../api.js";
import { when } from "../format.js";
import { useFetched } from "../use.js";
import { Dialog } from "../parts/dialog.js";
import { Failure } from "../parts/notice.js";

/** @typedef {{ value: number, low: number, high: number }} Measured */
/** @typedef {{ id: string, at: number, status: string, reason?: string, datasets?: Record<string, Record<string, any>>, provenance?: any, report: boolean }} Run */
/** @typedef {{ a: number, b: number, difference: Measured, regression: boolean }} Difference */
/** @typedef {{ items: number, datasets: Record<string, Record<string, Difference>> }} Comparison */

const shown = [["qwk", "Weighted kappa"], ["pearson", "Pearson"], ["mae", "Mean error"]];
const titles = /** @type {Record<string, string>} */ (Object.fromEntries(shown));

export function Benches() {
  const { value, error, again } = useFetched("/api/benches");
  const [open, setOpen] = useState("");
  const known = /** @type {{ folder: string, runs: Run[] } | null} */ (value);
  const runs = known?.runs ?? [];
  return html`<div class="page narrow models">
    <h1>Benchmarks</h1>
    <p class="lead">How far a model’s marks agree with people’s, on labelled answers. A run is made in a terminal and read here.</p>
    ${error && html`<${Failure} error=${error} retry=${again} />`}
    ${known && runs.length === 0 && html`<div class="empty">
      <p>No run yet. Make one with labelled answers as JSON lines:</p>
      <p class="path">offrecord bench grading --data answers.jsonl --output ${known.folder}/first</p>
    </div>`}
    ${runs.length > 0 && html`<section><h2>Runs</h2><ul class="rows">${runs.map((run) => html`<${Row} key=${run.id} run=${run} onOpen=${() => setOpen(run.id)} />`)}</ul>
      <p class="note path">${known?.folder}</p></section>`}
    ${runs.filter((run) => run.datasets).length > 1 && html`<${Compare} runs=${runs.filter((run) => run.datasets)} />`}
    ${open && html`<${Dialog} wide title=${`Report of ${open}`} onClose=${() => setOpen("")} actions=${html`<button type="button" class="button" onClick=${() => setOpen("")}>Close</button>`}>
      <iframe class="report-frame" sandbox="" title=${`Report of ${open}`} src=${`/api/benches/${encodeURIComponent(open)}/report`}></iframe>
    </${Dialog}>`}
  </div>`;
}

/** @param {{ run: Run, onOpen: () => void }} props */
function Row({ run, onOpen }) {
  const model = run.provenance?.model?.id ?? run.provenance?.model ?? "";
  return html`<li class="row">
    <div class="row-main">
      <strong>${run.id}${run.status !== "success" ? html` <span class="tag plain">${run.status}</span>` : ""}</strong>
      <span class="note">${[typeof model === "string" && model, when(new Date(run.at * 1000).toISOString())].filter(Boolean).join(" · ")}</span>
      ${run.reason && html`<span class="note">Its results cannot be read: ${run.reason}.</span>`}
      ${Object.entries(run.datasets ?? {}).map(([name, set]) => html`<span class="note">${name}: ${set.n} answers · ${shown.filter(([id]) => set[id]).map(([id, title]) => `${title} ${number(set[id])}`).join(" · ")}</span>`)}
    </div>
    ${run.report && html`<button type="button" class="button small" aria-label=${`Open the report of ${run.id}`} onClick=${onOpen}>Report</button>`}
  </li>`;
}

/** @param {{ runs: Run[] }} props */
function Compare({ runs }) {
  const [pair, setPair] = useState([runs[1].id, runs[0].id]);
  const [found, setFound] = useState(/** @type {Comparison | null} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  useEffect(() => {
    const gone = new AbortController();
    setFound(null);
    setError(null);
    get(`/api/benches/${encodeURIComponent(pair[0])}/compare/${encodeURIComponent(pair[1])}`, gone.signal).then(setFound, (cause) => {
      if (cause instanceof ApiError) setError(cause);
      else if (!gone.signal.aborted) throw cause;
    });
    return () => gone.abort();
  }, [pair[0], pair[1]]);
  /** @param {number} at @param {string} name */
  const choose = (at, name) => html`<select aria-label=${name} value=${pair[at]} onChange=${(/** @type {any} */ event) => setPair(at ? [pair[0], event.currentTarget.value] : [event.currentTarget.value, pair[1]])}>
    ${runs.map((run) => html`<option value=${run.id}>${run.id}</option>`)}
  </select>`;
  return html`<section>
    <h2>Two runs on the same answers</h2>
    <div class="pair">${choose(0, "First run")} <span class="note">against</span> ${choose(1, "Second run")}</div>
    ${error && html`<${Failure} error=${error} />`}
    ${found && html`<p class="note" role="status">${found.items} answers are in both. A difference whose interval holds 0 may be chance.</p>
      ${Object.entries(found.datasets).map(([name, metrics]) => html`<div class="md-wide" tabindex="0" role="region" aria-label=${`Differences on ${name}`}>
        <table class="readings"><caption class="note">${name}</caption>
          <thead><tr><th scope="col">Metric</th><th scope="col">First</th><th scope="col">Second</th><th scope="col">Difference, 95 %</th></tr></thead>
          <tbody>${Object.entries(metrics).map(([metric, one]) => html`<tr><th scope="row">${titles[metric] ?? metric}${one.regression ? html` <span class="tag plain">worse</span>` : ""}</th><td>${one.a.toFixed(3)}</td><td>${one.b.toFixed(3)}</td><td>${number(one.difference)}</td></tr>`)}</tbody>
        </table></div>`)}`}
  </section>`;
}

/** @param {Measured} measured */
const number = ({ value, low, high }) => `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
