// One model: what it is, what it needs, and what can be done with it here.

import { html, useState } from "../html.js";
import { ApiError, call } from "../api.js";
import { bytes, count, when } from "../format.js";
import { useWork } from "../work.js";
import { rate } from "./device_check.js";
import { Confirm } from "./dialog.js";
import { Failure } from "./notice.js";
import { WorkBar } from "./work_bar.js";

/** @param {{ model: import("../types.js").Model, active: boolean | undefined, offline: boolean, here?: string, onChange: () => void }} props */
export function ModelRow({ model, active, offline, here, onChange }) {
  const name = model.title ?? model.id;
  const path = `/api/models/${encodeURIComponent(model.id)}`;
  const [told, setTold] = useState("");
  const [asking, setAsking] = useState(false);
  const [refused, setRefused] = useState(/** @type {ApiError | null} */ (null));
  const pulling = useWork(`${path}/pull`, onChange);
  const checking = useWork(`${path}/verify`, (done) =>
    setTold(`Checksum ${done.sha256.slice(0, 12)}…, ${done.in_catalogue ? "as in the catalogue" : "as when it was installed"}.`));
  const facts = [model.parameters, model.quantisation, model.size && bytes(model.size), model.memory && `needs ${bytes(model.memory)} of memory`,
    model.context && `${count(model.context)} tokens of context`, model.licence].filter(Boolean);
  const remove = async () => {
    setAsking(false);
    try {
      await call("DELETE", path);
      onChange();
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setRefused(cause);
    }
  };
  const busy = pulling.running || checking.running;
  const failure = pulling.error ?? checking.error ?? refused;
  return html`<li class="row model">
    <div class="row-main">
      <strong>${name}${active ? html` <span class="tag">in use</span>` : ""}${model.tested === false ? html` <span class="tag plain">not tested here</span>` : ""}</strong>
      <span class="note">${facts.join(" · ")}</span>
      ${model.installed && html`<span class="note">${measured(model)}</span>`}
      <span class="note">Agreement with people’s marks: ${model.agreement ? kappa(model.agreement) : "not measured"}${here ? `; ${here}` : ""}</span>
      ${model.reason && html`<span class="note">${model.reason}</span>`}
      <span class="note" role="status">${told}</span>
    </div>
    ${!model.installed && model.fits !== false && !busy && !offline &&
    html`<button type="button" class="button small" aria-label=${`Pull ${name}`} onClick=${pulling.start}>${pulling.error ? "Try again" : "Pull"}</button>`}
    ${model.installed && !busy &&
    html`<button type="button" class="button small quiet" aria-label=${`Verify ${name}`} onClick=${() => (setTold(""), checking.start())}>Verify</button>
      <button type="button" class="button small quiet" aria-label=${`Remove ${name}`} disabled=${active !== false} title=${active ? "It is in use" : undefined} onClick=${() => setAsking(true)}>Remove</button>`}
    ${pulling.running && html`<${WorkBar} label=${`Pulling ${name}`} work=${pulling} />`}
    ${checking.running && html`<${WorkBar} label=${`Verifying ${name}`} work=${checking} />`}
    ${failure && html`<div class="row-wide"><${Failure} error=${failure} /></div>`}
    ${asking &&
    html`<${Confirm} title="Remove this model?" yes="Remove" danger onYes=${remove} onNo=${() => setAsking(false)}>
      <p><strong>${name}</strong> is deleted from this machine${model.size ? ` and ${bytes(model.size)} are free again` : ""}. Interviews and scorecards stay.</p>
    </${Confirm}>`}
  </li>`;
}

/** The published figure with its interval and what it was measured on. @param {import("../types.js").Agreement} agreement */
export function kappa({ kappa: [value, low, high], labels, data, note }) {
  return `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}] on ${labels} levels of ${data}${note ? ` (${note})` : ""}`;
}

/** @param {import("../types.js").Model} model */
function measured({ speed }) {
  if (!speed) return "Speed: not measured here";
  return `Reads ${rate(speed.reads)}, writes ${rate(speed.writes)} tokens a second here (${when(new Date(speed.at * 1000).toISOString())})`;
}
