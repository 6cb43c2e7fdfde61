// Which models are here, which fit, and getting one.

import { html } from "../html.js";
import { useFetched } from "../use.js";
import { Failure } from "../parts/notice.js";
import { ModelImport } from "../parts/model_import.js";
import { kappa, ModelRow } from "../parts/model_row.js";

/** @typedef {import("../types.js").Model} Model */

export function Models() {
  const models = useFetched("/api/models");
  const status = useFetched("/api/status");
  const benches = useFetched("/api/benches");
  const all = /** @type {Model[]} */ (Array.isArray(models.value) ? models.value : (/** @type {any} */ (models.value)?.models ?? []));
  /** Not known until the status has come: until then nothing may be removed. @param {string} id */
  const active = (id) => (status.value || status.error ? /** @type {any} */ (status.value)?.model?.id === id : undefined);
  const offline = /** @type {any} */ (status.value)?.offline;
  const here = all.filter((model) => model.installed);
  const fit = all.filter((model) => !model.installed && model.fits !== false);
  const alone = /** @type {import("../types.js").Agreement | undefined} */ (/** @type {any} */ (models.value)?.agreement_without_a_model);
  const large = all.filter((model) => !model.installed && model.fits === false);
  /** @param {string} title @param {Model[]} list @param {any} note */
  const group = (title, list, note) =>
    list.length > 0 &&
    html`<section><h2>${title}</h2>${note && html`<p class="note">${note}</p>`}
      <ul class="rows">${list.map((model) => html`<${ModelRow} key=${model.id} model=${model} active=${active(model.id)} offline=${offline} here=${measuredHere(benches.value, model.id)} onChange=${models.again} />`)}</ul></section>`;
  return html`<div class="page narrow models">
    <h1>Models</h1>
    <p class="lead">The interviewer and the grader are one model file on this machine. A larger one asks and judges better, and answers more slowly.</p>
    <p class="note about">How well grades agree with people’s marks is a weighted kappa: 1 is full agreement, 0 is chance.${alone ? ` Without any model the code alone has ${kappa(alone)}.` : ""} Your own runs: <a href="#/benchmarks">Benchmarks</a>.</p>
    ${models.error && html`<${Failure} error=${models.error} retry=${models.again} />`}
    ${models.value && group("Installed", here, "")}
    ${models.value && here.length === 0 && html`<p class="empty">None is installed. ${offline ? "Bring" : "Pull one below, or bring"} a .gguf file of your own.</p>`}
    ${group("Fit this machine", fit, offline ? html`The program was started with <code>--offline</code>: start it without to pull one of these.` : "")}
    ${group("Too large for this machine", large, "Not offered: they would need more memory than is free.")}
    ${models.value && html`<${ModelImport} onDone=${models.again} />`}
  </div>`;
}

/** The newest run of a model on this machine, in a few words. @param {any} benches @param {string} id */
function measuredHere(benches, id) {
  const run = benches?.runs?.find((/** @type {any} */ one) => one.datasets && one.provenance?.model === id);
  const [name, set] = Object.entries(run?.datasets ?? {})[0] ?? [];
  if (!name || !set?.qwk) return undefined;
  return `your last run: ${set.qwk.value.toFixed(2)} [${set.qwk.low.toFixed(2)}, ${set.qwk.high.toFixed(2)}] on ${set.n} answers of ${name}`;
}
