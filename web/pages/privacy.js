// What is kept, where, and what may open a connection. Claims name the test that proves them.

import { html, useState } from "../html.js";
import { ApiError, call } from "../api.js";
import { Confirm } from "../parts/dialog.js";
import { Failure, Notice } from "../parts/notice.js";
import { promises } from "../promises.js";
import { useFetched } from "../use.js";

export function Privacy() {
  const { value } = useFetched("/api/status");
  const status = /** @type {any} */ (value) ?? {};
  const data = status.data_dir ?? "the data folder";
  const models = status.models_dir ?? "the models folder";
  return html`<div class="page narrow privacy">
    <h1>Privacy</h1>
    <p class="lead">${status.leaves_for ? html`What is said in an interview leaves this program for <strong>${status.leaves_for}</strong>, the server that you named when you started it. Nothing else leaves this machine:` : "Nothing you type or say leaves this machine."} offrecord listens on the loopback address only and has no account${status.leaves_for ? " and no telemetry." : ", no telemetry and no remote part."}</p>
    <section>
      <h2>Network now</h2>
      <p><span class=${`state ${status.leaves_for ? "warn" : ""}`}></span>${status.leaves_for ? html`Answers and questions go to ${status.leaves_for}. Start without <code>--interviewer</code> and <code>--judge</code> to keep everything here.` : status.offline ? html`Off. The program was started with <code>--offline</code>: nothing can open a connection.` : html`Off, except while you pull a model. Start with <code>--offline</code> to forbid even that.`}</p>
    </section>
    <section>
      <h2>What is stored, and where</h2>
      <dl class="facts">
        <div><dt>The folder</dt><dd class="path">${data}</dd></div>
        <div><dt>Interviews, drafts, whiteboards, scorecards, recordings</dt><dd><span class="path">offrecord.db</span><span class="note">While the program runs, the database’s own -wal and -shm lie beside it.</span></dd></div>
        <div><dt>Key of the running program</dt><dd><span class="path">token</span><span class="note">For you only, new at each start.</span></dd></div>
        <div><dt>Which process runs</dt><dd><span class="path">offrecord.lock</span><span class="note">Its number and its address on this machine.</span></dd></div>
        <div><dt>Measured speed of each model</dt><dd class="path">speed.json</dd></div>
        <div><dt>Your benchmark runs, if any</dt><dd class="path">bench/</dd></div>
        <div><dt>Models</dt><dd class="path">${models}</dd></div>
        <div><dt>What you say</dt><dd>Sound is turned into words on this machine and forgotten. Recordings are kept only if you ask for them before an interview, and are deleted one by one beside the scorecard.</dd></div>
        <div><dt>Encrypted on disk</dt><dd>${encrypted(status)}</dd></div>
        <div><dt>In this browser</dt><dd>Light or dark, your last choices on the start page and of speech, and the answer and the whiteboard you are working on.</dd></div>
      </dl>
    </section>
    <section>
      <h2>Taking it with you</h2>
      <p><a class="button" download href="/api/export">Export all interviews</a></p>
      <p class="note">One JSON file with every transcript, whiteboard, hint and scorecard. It is written on this machine and sent nowhere.</p>
    </section>
    <section>
      <h2>Getting rid of it</h2>
      <p>One interview: <a href="#/history">History</a>, Delete. In a terminal: <code>offrecord session wipe</code>.</p>
      <${Wipe} />
    </section>
    <section>
      <h2>What may open a connection</h2>
      <div class="md-wide promises" tabindex="0" role="region" aria-label="Operations and network">
        <table>
          <thead><tr><th scope="col">Operation</th><th scope="col">Network</th><th scope="col">Proved by</th></tr></thead>
          <tbody>
            ${promises.map((promise) => html`<tr><th scope="row">${unbroken(promise.operation)}</th><td>${unbroken(promise.network)}</td><td>${proved(promise)}</td></tr>`)}
          </tbody>
        </table>
      </div>
    </section>
  </div>`;
}

/** @param {{ encrypted?: boolean }} status */
function encrypted(status) {
  if (status.encrypted) return "Yes, with your passphrase: interviews, drafts, whiteboards, scorecards and recordings. Not encrypted are models, speeds, benchmark runs and what you export.";
  return html`No. Whoever can read your files can read your interviews: use the disk encryption of your system, or a build with encryption and <code>offrecord session encrypt</code>.`;
}

/** Deletes every session here and what this browser keeps; asks for the word first. */
function Wipe() {
  const [asking, setAsking] = useState(false);
  const [word, setWord] = useState("");
  const [done, setDone] = useState(false);
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const wipe = async () => {
    try {
      await call("DELETE", "/api/sessions");
      for (const key of Object.keys(localStorage)) if (key.startsWith("offrecord.")) localStorage.removeItem(key);
      setDone(true);
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
    }
    setAsking(false);
  };
  if (done) return html`<${Notice}>All interviews are deleted. Models stay.</${Notice}>`;
  return html`
    ${error && html`<${Failure} error=${error} />`}
    <p><button type="button" class="button danger" onClick=${() => (setWord(""), setAsking(true))}>Delete everything</button></p>
    ${asking &&
    html`<${Confirm} title="Delete all interviews?" yes="Delete everything" danger busy=${word.trim().toLowerCase() !== "delete"} onYes=${wipe} onNo=${() => setAsking(false)}>
      <p>Every transcript, draft and scorecard is erased from this machine. This cannot be undone. Models stay.</p>
      <label class="stacked"><span class="note">Type “delete” to go on</span><input type="text" autocomplete="off" spellcheck=${false} value=${word} onInput=${(/** @type {any} */ event) => setWord(event.currentTarget.value)} /></label>
    </${Confirm}>`}
  `;
}

/** A command's flag is one word, wherever the line ends. @param {string} text */
const unbroken = (text) => text.split(/(--[a-z]+|[A-Z_]+=1)/).map((piece, index) => (index % 2 ? html`<span class="flag">${piece}</span>` : piece));

/** The tests' names as words, when they are asked for; what no test shows always. @param {typeof promises[number]} promise */
function proved({ operation, proofs, unproved }) {
  return html`
    ${proofs.length > 0 && html`<details class="proofs"><summary>${proofs.length === 1 ? "1 test" : `${proofs.length} tests`}<span class="sr"> of: ${operation}</span></summary>
      <ul class="plain-list">${proofs.map(({ file, test }) => html`<li>${test.replaceAll("_", " ")}<br /><span class="path">${file}</span></li>`)}</ul></details>`}
    ${unproved && html`<p class="note">Not proved: ${unproved}</p>`}`;
}
