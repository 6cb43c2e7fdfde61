// Which models are here, which fit, and getting one.

import { html, useRef, useState } from "../html.js";
import { ApiError, open } from "../api.js";
import { bytes, clock, count } from "../format.js";
import { useFetched } from "../use.js";
import { Failure } from "../parts/notice.js";

/** @typedef {import("../types.js").Model} Model */

export function Models() {
  const models = useFetched("/api/models");
  const status = useFetched("/api/status");
  const all = /** @type {Model[]} */ (Array.isArray(models.value) ? models.value : (/** @type {any} */ (models.value)?.models ?? []));
  const active = /** @type {any} */ (status.value)?.model?.id;
  const offline = /** @type {any} */ (status.value)?.offline;
  const here = all.filter((model) => model.installed);
  const fit = all.filter((model) => !model.installed && model.fits !== false);
  const large = all.filter((model) => !model.installed && model.fits === false);
  /** @param {string} title @param {Model[]} list @param {string} note */
  const group = (title, list, note) =>
    list.length > 0 &&
    html`<section><h2>${title}</h2>${note && html`<p class="note">${note}</p>`}
      <ul class="rows">${list.map((model) => html`<${Row} key=${model.id} model=${model} active=${model.id === active} offline=${offline} onDone=${models.again} />`)}</ul></section>`;
  return html`<div class="page narrow models">
    <h1>Models</h1>
    <p class="lead">The interviewer and the grader are one model file on this machine. A larger one asks and judges better, and answers more slowly.</p>
    ${models.error && html`<${Failure} error=${models.error} retry=${models.again} />`}
    ${models.value && group("Installed", here, "")}
    ${models.value && here.length === 0 && html`<p class="empty">None is installed. Pull one below, or put a .gguf file into the models folder.</p>`}
    ${group("Fit this machine", fit, "")}
    ${group("Too large for this machine", large, "Not offered: they would need more memory than is free.")}
  </div>`;
}

/** @param {{ model: Model, active: boolean, offline: boolean, onDone: () => void }} props */
function Row({ model, active, offline, onDone }) {
  const pulling = usePull(model.id, onDone);
  const facts = [model.parameters, model.quantisation, model.size && bytes(model.size), model.memory && `needs ${bytes(model.memory)} of memory`,
    model.context && `${count(model.context)} tokens of context`, model.licence].filter(Boolean);
  const canPull = !model.installed && model.fits !== false;
  return html`<li class="row model">
    <div class="row-main">
      <strong>${model.title ?? model.id}${active ? html` <span class="tag">in use</span>` : ""}${model.tested === false ? html` <span class="tag plain">not tested here</span>` : ""}</strong>
      <span class="note">${facts.join(" · ")}</span>
      ${model.reason && html`<span class="note">${model.reason}</span>`}
    </div>
    ${canPull && !pulling.running &&
    html`<button type="button" class="button small" disabled=${offline} aria-label=${`Pull ${model.title ?? model.id}`} onClick=${pulling.start}>${offline ? "Offline" : pulling.error ? "Try again" : "Pull"}</button>`}
    ${pulling.running && html`<${Progress} model=${model} pulling=${pulling} />`}
    ${pulling.error && html`<div class="row-wide"><${Failure} error=${pulling.error} /></div>`}
  </li>`;
}

/** @param {{ model: Model, pulling: ReturnType<typeof usePull> }} props */
function Progress({ model, pulling }) {
  const { done, total, rate } = pulling;
  const left = rate > 0 && total ? ((total - done) / rate) * 1000 : null;
  return html`<div class="row-wide pull">
    <progress value=${total ? done / total : undefined} max="1" aria-label=${`Pulling ${model.title ?? model.id}`}></progress>
    <p class="note">${total ? `${bytes(done)} of ${bytes(total)}` : "starting"}${rate > 0 ? ` · ${bytes(rate)}/s` : ""}${left !== null ? ` · ${clock(left)} left` : ""}${pulling.stage ? ` · ${pulling.stage}` : ""}</p>
    <button type="button" class="button small quiet" onClick=${pulling.stop}>Stop</button>
  </div>`;
}

/** @param {string} id @param {() => void} onDone */
function usePull(id, onDone) {
  const [at, setAt] = useState({ running: false, done: 0, total: 0, rate: 0, stage: "" });
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const stop = useRef(new AbortController());
  const start = async () => {
    stop.current = new AbortController();
    setError(null);
    setAt({ running: true, done: 0, total: 0, rate: 0, stage: "" });
    const begun = { at: performance.now(), done: -1 };
    try {
      for await (const { event, data } of await open("POST", `/api/models/${encodeURIComponent(id)}/pull`, {}, stop.current.signal)) {
        if (event === "error") throw new ApiError(500, data);
        if (event === "done") break;
        if (begun.done < 0) begun.done = data.done ?? 0;
        const seconds = (performance.now() - begun.at) / 1000;
        setAt({ running: true, done: data.done ?? 0, total: data.total ?? 0, rate: seconds > 1 ? ((data.done ?? 0) - begun.done) / seconds : 0, stage: data.stage ?? "" });
      }
      onDone();
    } catch (cause) {
      if (cause instanceof ApiError) setError(cause);
      else if (!stop.current.signal.aborted) throw cause;
    }
    setAt((old) => ({ ...old, running: false }));
  };
  return { ...at, error, start, stop: () => stop.current.abort() };
}
