// Which model will interview, and in what state it is: one honest line.

import { html, useEffect, useState } from "../html.js";
import { bytes } from "../format.js";
import { useFetched } from "../use.js";
import { DeviceCheck, rate } from "./device_check.js";

/** @type {Record<string, string>} */
const states = {
  ready: "ready",
  loading: "loading into memory",
  missing: "not installed",
  absent: "not installed",
  failed: "could not be loaded",
};

export function ModelLine() {
  const { value, again } = useFetched("/api/status");
  const models = useFetched("/api/models");
  const [checking, setChecking] = useState(false);
  const status = /** @type {any} */ (value);
  const loading = status?.model?.state === "loading";
  useEffect(() => {
    const timer = loading ? setInterval(again, 1000) : undefined;
    return () => clearInterval(timer);
  }, [loading]);
  if (!status) return html`<p class="model-line"> </p>`;
  const model = status.model ?? {};
  const state = model.state ?? status.state;
  if (!model.id || state === "missing" || state === "absent") {
    return html`<p class="model-line"><span class="state warn"></span> No model is installed. <a href="#/models">Choose one</a></p>`;
  }
  const all = /** @type {import("../types.js").Model[]} */ (/** @type {any} */ (models.value)?.models ?? models.value ?? []);
  const known = all.find((one) => one.id === model.id);
  const closed = () => (setChecking(false), models.again());
  return html`<p class="model-line">
    <span class=${`state ${state === "failed" ? "warn" : ""}`}></span>
    <a href="#/models">${known?.title ?? model.title ?? model.id}</a>${state ? `, ${states[state] ?? state}` : ""}${facts(known)}<br />
    <button type="button" class="turn-link" onClick=${() => setChecking(true)}>Check this machine</button>
    ${checking && html`<${DeviceCheck} onClose=${closed} />`}
  </p>`;
}

/** What it needs and how fast it was here, as far as that is known. @param {import("../types.js").Model | undefined} model */
function facts(model) {
  const parts = [model?.memory && `${bytes(model.memory)} of memory`, model?.speed ? `reads ${rate(model.speed.reads)}, writes ${rate(model.speed.writes)} tokens a second here` : model && "speed not measured here yet"];
  return parts.filter(Boolean).map((part) => ` · ${part}`).join("");
}
