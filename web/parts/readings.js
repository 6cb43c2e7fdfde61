// All readings of one interview side by side: they may differ, and the difference is part of the result.

import { html, useEffect, useState } from "../html.js";
import { ApiError, get } from "../api.js";
import { score } from "../format.js";

/** @typedef {import("../types.js").Scorecard} Scorecard */

/** @param {{ session: import("../types.js").Session }} props */
export function Readings({ session }) {
  const [cards, setCards] = useState(/** @type {[number, Scorecard][]} */ ([]));
  useEffect(() => {
    const gone = new AbortController();
    const path = `/api/sessions/${encodeURIComponent(session.id)}/scorecards/`;
    const all = session.scorecards.map(async (number) => /** @type {[number, Scorecard]} */ ([number, await get(path + number, gone.signal)]));
    Promise.all(all).then(setCards, (cause) => {
      if (!(cause instanceof ApiError) && !gone.signal.aborted) throw cause;
    });
    return () => gone.abort();
  }, [session.id, session.scorecards.length]);
  if (cards.length < 2) return null;
  const models = new Set(cards.map(([, card]) => card.provenance.model));
  const rows = cards[0][1].dimensions.map((dimension) => [dimension.title, ...cards.map(([, card]) => score(card.dimensions.find((known) => known.id === dimension.id)?.score))]);
  return html`<section>
    <h2>Readings side by side</h2>
    ${models.size === 1 && html`<p class="note">All by ${[...models][0]}.</p>`}
    <div class="md-wide" tabindex="0" role="region" aria-label="Readings side by side">
      <table class="readings">
        <thead>
          <tr><td></td>${cards.map(([number, card]) => html`<th scope="col"><a href=${`#/sessions/${session.id}/scorecard/${number}`}>No. ${number}</a><br />${models.size > 1 && html`${card.provenance.model}<br />`}seed ${card.provenance.seed}${card.dispute ? html`<br />with what you added` : ""}</th>`)}</tr>
        </thead>
        <tbody>
          ${rows.map(([title, ...scores]) => html`<tr><th scope="row">${title}</th>${scores.map((value) => html`<td>${value}</td>`)}</tr>`)}
          <tr class="total"><th scope="row">Overall</th>${cards.map(([, card]) => html`<td>${score(card.overall.score)}</td>`)}</tr>
        </tbody>
      </table>
    </div>
  </section>`;
}
