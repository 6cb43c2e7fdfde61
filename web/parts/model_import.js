// A model file that is already on this machine: dropped or chosen, copied into the models folder, checked there.

import { html, useRef, useState } from "../html.js";
import { ApiError } from "../api.js";
import { Failure, Notice } from "./notice.js";
import { WorkBar } from "./work_bar.js";

const idle = { running: false, done: 0, total: 0, rate: 0, stage: "" };

/** @param {{ onDone: () => void }} props */
export function ModelImport({ onDone }) {
  const [over, setOver] = useState(false);
  const [at, setAt] = useState(idle);
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [taken, setTaken] = useState("");
  const chooser = useRef(/** @type {HTMLInputElement | null} */ (null));
  const request = useRef(/** @type {XMLHttpRequest | null} */ (null));

  /** @param {File | undefined} file */
  const bring = async (file) => {
    if (!file || at.running) return;
    setTaken("");
    setError(null);
    if (!file.name.toLowerCase().endsWith(".gguf")) {
      return setError(new ApiError(0, { message: "Only .gguf files are models that this program reads.", hint: "Look for a GGUF version of the model." }));
    }
    try {
      setTaken((await send(file, request, setAt)).id);
      onDone();
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      if (cause.code !== "stopped") setError(cause);
    }
    setAt(idle);
  };

  /** @param {DragEvent} event */
  const dropped = (event) => {
    event.preventDefault();
    setOver(false);
    bring(event.dataTransfer?.files[0]);
  };

  return html`<section>
    <h2>Your own file</h2>
    <div class=${`drop ${over ? "over" : ""}`} onDragOver=${(/** @type {DragEvent} */ event) => (event.preventDefault(), setOver(true))} onDragLeave=${() => setOver(false)} onDrop=${dropped}>
      <p>Drop a .gguf file here, or <button type="button" class="button small" disabled=${at.running} onClick=${() => chooser.current?.click()}>choose one</button></p>
      <p class="note">It is copied into the models folder; the original stays where it is.</p>
      <input ref=${chooser} type="file" hidden tabindex="-1" aria-label="A model file" accept=".gguf"
        onChange=${(/** @type {any} */ event) => (bring(event.currentTarget.files[0]), (event.currentTarget.value = ""))} />
      ${at.running && html`<${WorkBar} label="Taking in the model file" work=${{ ...at, stop: () => request.current?.abort() }} />`}
    </div>
    ${error && html`<${Failure} error=${error} />`}
    ${taken && html`<${Notice} title=${`${taken} is installed`}>Start offrecord with it: <code>offrecord --model ${taken}</code></${Notice}>`}
  </section>`;
}

/**
 * Fetch does not tell how much of a file has been sent; the older way does.
 * @param {File} file @param {{ current: XMLHttpRequest | null }} request @param {(at: typeof idle) => void} tell
 * @returns {Promise<{ id: string }>}
 */
function send(file, request, tell) {
  const sending = (request.current = new XMLHttpRequest());
  const begun = performance.now();
  tell({ ...idle, running: true, total: file.size });
  return new Promise((resolve, reject) => {
    sending.upload.onprogress = ({ loaded }) => {
      const seconds = (performance.now() - begun) / 1000;
      tell({ running: true, done: loaded, total: file.size, rate: seconds > 1 ? loaded / seconds : 0, stage: loaded < file.size ? "copying" : "checking" });
    };
    sending.onerror = () => reject(new ApiError(0, { message: "The file was not taken.", hint: "offrecord may have refused it early, or it does not answer: see the terminal." }));
    sending.onabort = () => reject(new ApiError(0, { code: "stopped", message: "Stopped." }));
    sending.onload = () => {
      const answer = JSON.parse(sending.responseText || "{}");
      if (sending.status === 200) resolve(answer);
      else reject(refusal(sending.status, answer.error ?? {}));
    };
    sending.open("POST", `/api/models?name=${encodeURIComponent(file.name)}`);
    sending.setRequestHeader("content-type", "application/octet-stream");
    sending.send(file);
  });
}

/** What is no model is mended by bringing another file: the server's general hint is about requests. @param {number} status @param {any} error */
function refusal(status, error) {
  const hint = error.code === "invalid" ? "Often the download was cut short, or it is a web page that was saved under this name. Download the file again, whole, and drop it here." : error.hint;
  return new ApiError(status, { ...error, hint });
}
