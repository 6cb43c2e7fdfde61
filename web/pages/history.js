// All interviews on this machine: found, opened, deleted.

import { html, useLayoutEffect, useMemo, useState } from "../html.js";
import { ApiError, call } from "../api.js";
import { forgetSession } from "../draft.js";
import { label, score, when } from "../format.js";
import { useFetched } from "../use.js";
import { Confirm } from "../parts/dialog.js";
import { Failure } from "../parts/notice.js";
import { isTyping } from "../parts/shortcuts.js";

/** @typedef {import("../types.js").Summary} Summary */

export function History() {
  const { value, error, again } = useFetched("/api/sessions");
  const [filter, setFilter] = useState({ text: "", round: "", status: "" });
  const [asking, setAsking] = useState(/** @type {Summary | null} */ (null));
  const [refused, setRefused] = useState(/** @type {ApiError | null} */ (null));
  const all = /** @type {Summary[] | null} */ (value);

  const found = useMemo(() => {
    const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    return (all ?? []).filter(
      (session) =>
        (!filter.round || session.round === filter.round) &&
        (!filter.status || session.status === filter.status) &&
        words.every((word) => `${session.title} ${session.problem} ${session.level}`.toLowerCase().includes(word)),
    );
  }, [all, filter]);

  useLayoutEffect(() => {
    addEventListener("keydown", walked);
    return () => removeEventListener("keydown", walked);
  }, []);

  const remove = async () => {
    const session = /** @type {Summary} */ (asking);
    try {
      await call("DELETE", `/api/sessions/${encodeURIComponent(session.id)}`);
      forgetSession(session.id);
      setRefused(null);
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setRefused(cause);
    }
    setAsking(null);
    again();
  };

  return html`<div class="page history">
    <h1>History</h1>
    ${(error ?? refused) && html`<${Failure} error=${error ?? refused} retry=${again} />`}
    ${all && all.length === 0 && html`<p class="empty">No interview yet. <a href="#/">Start the first one</a>; it will be kept here, on this machine only.</p>`}
    ${all && all.length > 0 &&
    html`<form class="filters" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
        <input type="search" placeholder="Search by title or level" aria-label="Search the history" value=${filter.text}
          onInput=${(/** @type {any} */ event) => setFilter({ ...filter, text: event.currentTarget.value })} />
        <${Select} name="Round" value=${filter.round} options=${["system-design", "behavioural"]} onPick=${(/** @type {string} */ round) => setFilter({ ...filter, round })} />
        <${Select} name="State" value=${filter.status} options=${["active", "paused", "finished"]} onPick=${(/** @type {string} */ status) => setFilter({ ...filter, status })} />
      </form>
      <p class="sr" role="status">${found.length} of ${all.length} interviews</p>
      <ul class="rows">
        ${found.map((session) => html`<${Row} key=${session.id} session=${session} onDelete=${() => setAsking(session)} />`)}
      </ul>
      ${found.length === 0 && html`<p class="empty">Nothing fits. <button type="button" class="button small" onClick=${() => setFilter({ text: "", round: "", status: "" })}>Show all</button></p>`}`}
    ${asking &&
    html`<${Confirm} title="Delete this interview?" yes="Delete" danger onYes=${remove} onNo=${() => setAsking(null)}>
      <p><strong>${asking.title}</strong>, ${when(asking.created_at)}. Transcript, draft and scorecards are erased from this machine. This cannot be undone.</p>
    </${Confirm}>`}
  </div>`;
}

/** J and K go down and up the list, / to the search. @param {KeyboardEvent} event */
function walked(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "/") {
    event.preventDefault();
    /** @type {HTMLElement | null} */ (document.querySelector(".filters input"))?.focus();
  }
  const step = { j: 1, k: -1 }[event.key.toLowerCase()];
  if (!step) return;
  const rows = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("a.row-main")]);
  const here = rows.findIndex((row) => row.parentElement?.contains(document.activeElement));
  rows[Math.max(0, Math.min(rows.length - 1, here + step))]?.focus();
}

/** @param {{ session: Summary, onDelete: () => void }} props */
function Row({ session, onDelete }) {
  const finished = session.status === "finished";
  const to = finished ? `#/sessions/${session.id}/scorecard` : `#/sessions/${session.id}`;
  return html`<li class="row">
    <a class="row-main" href=${to}>
      <strong>${session.title}</strong>
      <span class="note">${label(session.round)} · ${label(session.level)} · ${session.minutes} min · ${when(session.created_at)}</span>
    </a>
    <span class="row-state">${finished ? session.overall === null ? html`<span class="note">no score</span>` : html`<span class="row-score">${score(session.overall)}</span>` : html`<span class="note">${label(session.status)}</span>`}</span>
    ${finished ? html`<a class="button small quiet" href=${`#/sessions/${session.id}`} aria-label=${`Transcript of ${session.title}`}>Transcript</a>` : html`<a class="button small quiet" href=${to} aria-label=${`Go on with ${session.title}`}>Go on</a>`}
    <button type="button" class="button small quiet" onClick=${onDelete} aria-label=${`Delete ${session.title}, ${when(session.created_at)}`}>Delete</button>
  </li>`;
}

/** @param {{ name: string, value: string, options: string[], onPick: (value: string) => void }} props */
function Select({ name, value, options, onPick }) {
  return html`<select aria-label=${name} value=${value} onChange=${(/** @type {any} */ event) => onPick(event.currentTarget.value)}>
    <option value="">${name}: all</option>
    ${options.map((option) => html`<option value=${option}>${label(option)}</option>`)}
  </select>`;
}
