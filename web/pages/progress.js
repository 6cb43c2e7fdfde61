// Progress over weeks.

import { html } from "../html.js";

export function Progress() {
  return html`<div class="page narrow"><h1>Progress</h1><p class="empty">later</p></div>`;
}
