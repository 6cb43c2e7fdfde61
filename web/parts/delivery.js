// How long was spoken, as facts. They are in no score, and no word here judges how somebody speaks.

import { html, useState } from "../html.js";
import { ApiError, call } from "../api.js";
import { bytes, clock } from "../format.js";
import { Confirm } from "./dialog.js";
import { Failure } from "./notice.js";

/** @typedef {import("../types.js").Session} Session */
/** @typedef {import("../types.js").Recording} Recording */

/** @param {{ session: Session, onTurn: (turn: number) => void }} props */
export function Delivery({ session, onTurn }) {
  const delivery = session.delivery;
  if (!delivery || delivery.answers.length === 0) return null;
  return html`<details class="fold delivery">
    <summary>Time spoken</summary>
    <div class="quality">
      <p class="note">Facts, in no score. How somebody speaks is not assessed.</p>
      <div class="md-wide" tabindex="0" role="region" aria-label="Time spoken, answer by answer">
        <table class="readings">
          <thead><tr><th scope="col">Answer</th><th scope="col">Spoken</th><th scope="col">First word after</th><th scope="col">Words</th><th scope="col">Words a minute</th><th scope="col">Longest stretch</th></tr></thead>
          <tbody>${delivery.answers.map((one) => html`<tr>
            <th scope="row"><button type="button" class="turn-link" onClick=${() => onTurn(one.turn)}>Turn ${one.turn}</button>${one.edited ? html`<br /><span class="note">edited</span>` : ""}</th>
            <td>${clock(one.speaking_ms)}</td><td>${clock(one.first_word_ms)}</td><td>${one.words}</td><td>${one.words_per_minute == null ? "–" : Math.round(one.words_per_minute)}</td><td>${clock(one.longest_ms)}</td>
          </tr>`)}</tbody>
        </table>
      </div>
      <p class="note">${[delivery.talk_ratio == null ? "" : `You spoke for ${Math.round(delivery.talk_ratio * 100)} % of the interview's time.`, `The longest stretch was ${clock(delivery.longest_ms)}.`].filter(Boolean).join(" ")}</p>
    </div>
  </details>`;
}

/** @param {{ session: Session, onTurn: (turn: number) => void }} props */
export function Recordings({ session, onTurn }) {
  const [gone, setGone] = useState(/** @type {number[]} */ ([]));
  const [asking, setAsking] = useState(/** @type {Recording | null} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const kept = (session.recordings ?? []).filter((one) => !gone.includes(one.turn));
  if (kept.length === 0 && gone.length === 0) return null;
  const path = (/** @type {number} */ turn) => `/api/sessions/${encodeURIComponent(session.id)}/recordings/${turn}`;
  const remove = async () => {
    const { turn } = /** @type {Recording} */ (asking);
    setAsking(null);
    setError(null);
    try {
      await call("DELETE", path(turn));
      setGone([...gone, turn]);
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
    }
  };
  return html`<details class="fold">
    <summary>Recordings</summary>
    <div class="quality">
      ${error && html`<${Failure} error=${error} />`}
      ${kept.length === 0
        ? html`<p class="note" role="status">All recordings of this interview are deleted. The words stay.</p>`
        : html`<ul class="rows">${kept.map((one) => html`<li key=${one.turn} class="row recording">
            <span class="row-main"><span><button type="button" class="turn-link" onClick=${() => onTurn(one.turn)}>Turn ${one.turn}</button> <span class="note">${clock(one.audio_ms)} · ${bytes(one.bytes)}</span></span>
              <audio controls preload="none" src=${path(one.turn)} aria-label=${`Recording of turn ${one.turn}`}></audio></span>
            <button type="button" class="button small quiet" aria-label=${`Delete the recording of turn ${one.turn}`} onClick=${() => setAsking(one)}>Delete</button>
          </li>`)}</ul>`}
    </div>
    ${asking && html`<${Confirm} title="Delete this recording?" yes="Delete" danger onYes=${remove} onNo=${() => setAsking(null)}>
      <p>The recording of turn ${asking.turn} is erased from this machine. What you said stays in the transcript as text.</p>
    </${Confirm}>`}
  </details>`;
}
