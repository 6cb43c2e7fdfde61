// Which model will interview, and in what state it is: one honest line.

import { html, useEffect, useState } from "../html.js";
import { useFetched } from "../use.js";
import { DeviceCheck } from "./device_check.js";

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
  return html`<p class="model-line">
    <span class=${`state ${state === "failed" ? "warn" : ""}`}></span>
    <a href="#/models">${model.title ?? model.id}</a>${state ? `, ${states[state] ?? state}` : ""} · on this machine ·
    <button type="button" class="turn-link" onClick=${() => setChecking(true)}>check</button>
    ${checking && html`<${DeviceCheck} onClose=${() => setChecking(false)} />`}
  </p>`;
}
