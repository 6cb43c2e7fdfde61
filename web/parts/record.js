// What was said, word for word, beside the scorecard: a quotation lights up in its place.

import { html, useLayoutEffect, useRef } from "../html.js";
import { cut } from "../points.js";

/** @param {{ session: import("../types.js").Session, quote: import("../types.js").Quote | null, onBack: () => void }} props */
export function Record({ session, quote, onBack }) {
  const lit = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => {
    lit.current?.focus({ preventScroll: true });
    (lit.current?.querySelector("mark") ?? lit.current)?.scrollIntoView({ block: "center" });
  }, [quote]);
  return html`<section class="record">
    <h2 id="record-title">What was said</h2>
    <div class="record-turns" tabindex="0" role="region" aria-labelledby="record-title">
      ${session.turns.map((turn) => {
        const here = quote?.turn === turn.seq ? quote : null;
        return html`<article key=${turn.seq} class=${`line ${turn.role} ${here ? "lit" : ""}`} ref=${here ? lit : undefined} tabindex=${here ? -1 : undefined}>
          <p class="turn-who"><span>${turn.role === "candidate" ? "You" : "Interviewer"}</span> <span class="note">turn ${turn.seq}</span>
            ${here && html`<button type="button" class="button small quiet" onClick=${onBack}>Back to the score</button>`}</p>
          <p class="line-text">${here && here.end > here.start ? marked(turn.text, here) : turn.text}</p>
        </article>`;
      })}
    </div>
  </section>`;
}

/** @param {string} text @param {import("../types.js").Quote} quote */
function marked(text, quote) {
  const [before, piece, after] = cut(text, quote.start, quote.end);
  return html`${before}<mark>${piece}</mark>${after}`;
}
