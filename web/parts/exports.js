// A session as a file.

import { html } from "../html.js";

const formats = [
  ["md", "Markdown"],
  ["json", "JSON"],
  ["html", "HTML"],
];

/** @param {{ id: string }} props */
export function Exports({ id }) {
  return html`<p class="exports">Export
    ${formats.map(([format, name]) => html` <a class="button small" download href=${`/api/sessions/${encodeURIComponent(id)}/export?format=${format}`}>${name}</a>`)}
  </p>`;
}
