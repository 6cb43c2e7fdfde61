// A place for a long text: paste it, type it, or drop a text file on it. It stays on this machine.

import { html, useState } from "../html.js";
import { count } from "../format.js";

const limit = 200_000;

/** @param {{ name: string, title: string, note: string, value: string, onWrite: (text: string) => void }} props */
export function PasteBox({ name, title, note, value, onWrite }) {
  const [over, setOver] = useState(false);
  const [refused, setRefused] = useState("");

  /** @param {DragEvent} event */
  const dropped = async (event) => {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    setOver(false);
    const text = /\.(txt|md)$/i.test(file.name) && file.size <= limit * 4 ? await file.text() : "";
    if (text && !text.includes("\0")) {
      setRefused("");
      onWrite(text.slice(0, limit));
    } else {
      setRefused("Only text files (.txt, .md) can be dropped here. Open the document and paste its text.");
    }
  };

  const words = value.trim() ? value.trim().split(/\s+/).length : 0;
  return html`<details class="paste">
    <summary><span class="paste-title">${title}</span> <span class="note">${words ? `${count(words)} words, kept for this interview` : "optional"}</span></summary>
    <label>
      <span class="note">${note} It is read on this machine only.</span>
      <textarea name=${name} rows="6" value=${value} class=${over ? "over" : ""} aria-label=${`${title} as text`}
        placeholder="Paste the text, or drop a .txt or .md file"
        maxlength=${limit}
        onInput=${(/** @type {any} */ event) => onWrite(event.currentTarget.value)}
        onDragOver=${(/** @type {DragEvent} */ event) => (event.preventDefault(), setOver(true))}
        onDragLeave=${() => setOver(false)} onDrop=${dropped}></textarea>
    </label>
    ${refused && html`<p class="note error" role="alert">${refused}</p>`}
  </details>`;
}
