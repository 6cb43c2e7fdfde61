// A message in its place: what happened, and what to do.

import { html } from "../html.js";

/** @param {{ tone?: "plain" | "warn" | "error", title?: any, children?: any, actions?: any }} props */
export function Notice({ tone = "plain", title, children, actions }) {
  return html`<div class=${`notice ${tone}`} role=${tone === "error" ? "alert" : "status"}>
    <div>
      ${title && html`<p class="notice-title">${title}</p>`}
      ${children && html`<p>${children}</p>`}
    </div>
    ${actions && html`<div class="actions">${actions}</div>`}
  </div>`;
}

/** @param {{ error: import("../api.js").ApiError, retry?: () => void }} props */
export function Failure({ error, retry }) {
  const again = retry && html`<button type="button" class="button" onClick=${retry}>Try again</button>`;
  return html`<${Notice} tone="error" title=${error.message} actions=${again}>${error.hint}</${Notice}>`;
}
