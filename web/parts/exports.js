// A session as a file, as it is or with names taken out; and on paper.

import { html, useState } from "../html.js";
import { ApiError, receive } from "../api.js";
import { proposedNames } from "../names.js";
import { Dialog } from "./dialog.js";
import { Failure } from "./notice.js";

const formats = [
  ["md", "Markdown"],
  ["json", "JSON"],
  ["html", "HTML"],
];

/** @param {{ session: import("../types.js").Session }} props */
export function Exports({ session }) {
  const [asking, setAsking] = useState(false);
  const path = `/api/sessions/${encodeURIComponent(session.id)}/export`;
  return html`<div class="exports">Export
    ${formats.map(([format, name]) => html` <a class="button small" download href=${`${path}?format=${format}`}>${name}</a>`)}
    <button type="button" class="button small quiet" onClick=${() => setAsking(true)}>Without names…</button>
    <button type="button" class="button small quiet" onClick=${() => print()}>Print</button>
    ${asking && html`<${Redacted} session=${session} path=${path} onClose=${() => setAsking(false)} />`}
  </div>`;
}

/** @param {{ session: import("../types.js").Session, path: string, onClose: () => void }} props */
function Redacted({ session, path, onClose }) {
  const [text, setText] = useState(() => proposedNames(session).join("\n"));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const names = text.split("\n").map((name) => name.trim()).filter(Boolean);
  /** @param {string} format */
  const get = async (format) => {
    setError(null);
    try {
      await receive(path, { format, names });
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
    }
  };
  const actions = html`<button type="button" class="button quiet" onClick=${onClose}>Close</button>
    ${formats.map(([format, name]) => html`<button type="button" class="button" aria-label=${`${name} without names`} onClick=${() => get(format)}>${name}</button>`)}`;
  return html`<${Dialog} title="Export without names" onClose=${onClose} actions=${actions}>
    <p>These become “[name 1]”, “[name 2]” and so on, in what was said, drawn and quoted. Email addresses, web addresses and telephone numbers go too.</p>
    <label class="stacked"><span class="note">Names, one a line: proposals from your answers, for you to look through</span>
      <textarea rows="8" spellcheck=${false} value=${text} onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)}></textarea></label>
    <p class="note">A name that is not in this list stays. Read the file before you pass it on.</p>
    ${error && html`<${Failure} error=${error} />`}
  </${Dialog}>`;
}
