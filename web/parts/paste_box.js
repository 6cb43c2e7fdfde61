// A place for a long text: paste it, type it, or bring a document. It is read on this machine and stays there.

import { upload } from "../api.js";
import { html, useRef, useState } from "../html.js";
import { count } from "../format.js";

const limit = 200_000;
const docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/** What a file is said to be by its ending; browsers do not agree on types. @type {Record<string, string>} */
const types = { pdf: "application/pdf", docx, md: "text/markdown", markdown: "text/markdown", txt: "text/plain", text: "text/plain" };

/** @type {Record<string, string>} */
const hiddenHow = {
  colour: "in the colour of the background",
  tiny: "too small to read",
  "off-page": "outside the page",
  invisible: "marked as invisible",
  "zero-width": "characters without width",
};

/** @param {{ name: string, title: string, note: string, value: string, onWrite: (text: string) => void }} props */
export function PasteBox({ name, title, note, value, onWrite }) {
  const [over, setOver] = useState(false);
  const [refused, setRefused] = useState("");
  const [reading, setReading] = useState("");
  const [hidden, setHidden] = useState(/** @type {import("../types.js").HiddenText[]} */ ([]));
  const chooser = useRef(/** @type {HTMLInputElement | null} */ (null));
  // Only the file brought last may fill the box.
  const newest = useRef(0);

  /** @param {File | undefined} file */
  const bring = async (file) => {
    if (!file) return;
    const turn = (newest.current += 1);
    const type = types[file.name.split(".").at(-1)?.toLowerCase() ?? ""];
    setRefused("");
    setHidden([]);
    if (!type) return setRefused("Only PDF, DOCX, Markdown and text files are read. Paste the text here instead.");
    setReading(file.name);
    try {
      const document = await upload("/api/documents", file, type);
      if (turn !== newest.current) return;
      setHidden(document.hidden);
      onWrite(document.text.slice(0, limit));
    } catch (failed) {
      if (turn !== newest.current) return;
      const { message, hint } = /** @type {import("../api.js").ApiError} */ (failed);
      setRefused(`${message} ${hint ?? ""}`.trim());
    } finally {
      if (turn === newest.current) setReading("");
    }
  };

  /** @param {DragEvent} event */
  const dropped = (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    setOver(false);
    bring(event.dataTransfer.files[0]);
  };

  const words = value.trim() ? value.trim().split(/\s+/).length : 0;
  return html`<details class="paste">
    <summary><span class="paste-title">${title}</span> <span class="note">${words ? `${count(words)} words, kept for this interview` : "optional"}</span></summary>
    <label>
      <span class="note">${note} It is read on this machine only.</span>
      <textarea name=${name} rows="6" value=${value} class=${over ? "over" : ""} aria-label=${`${title} as text`}
        placeholder="Paste the text, or drop a PDF, DOCX, .md or .txt file"
        maxlength=${limit}
        onInput=${(/** @type {any} */ event) => onWrite(event.currentTarget.value)}
        onDragOver=${(/** @type {DragEvent} */ event) => (event.preventDefault(), setOver(true))}
        onDragLeave=${() => setOver(false)} onDrop=${dropped}></textarea>
    </label>
    <p class="paste-file">
      <button type="button" class="button" disabled=${reading !== ""} onClick=${() => chooser.current?.click()}>Choose a file</button>
      <input ref=${chooser} type="file" hidden tabindex="-1" aria-label=${`${title} as a file`} accept=".pdf,.docx,.md,.markdown,.txt"
        onChange=${(/** @type {any} */ event) => (bring(event.currentTarget.files[0]), (event.currentTarget.value = ""))} />
      <span class="note" role="status">${reading && `Reading ${reading}…`}</span>
    </p>
    ${refused && html`<p class="note error" role="alert">${refused}</p>`}
    ${hidden.length > 0 &&
    html`<div class="paste-hidden" role="alert">
      <p>This file has text that a reader does not see. It is left out:</p>
      <ul>${hidden.slice(0, 8).map((piece) => html`<li><q>${piece.text}</q> <span class="note">${hiddenHow[piece.how] ?? piece.how}</span></li>`)}</ul>
      ${hidden.length > 8 && html`<p class="note">and ${count(hidden.length - 8)} more</p>`}
    </div>`}
  </details>`;
}
