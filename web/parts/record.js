// What was said and drawn, word for word, beside the scorecard: a quotation lights up in its place, and the interviewer's
// notes stand under the answer that they are about.

import { html, useLayoutEffect, useRef, useState } from "../html.js";
import { cut } from "../points.js";
import { TurnNote } from "./notes.js";
import { Replay } from "./replay.js";

/** @param {{ session: import("../types.js").Session, quote: import("../types.js").Quote | null, onBack: () => void }} props */
export function Record({ session, quote, onBack }) {
  const lit = useRef(/** @type {HTMLElement | null} */ (null));
  const [board, setBoard] = useState(/** @type {number | null} */ (null));
  const [noted, setNoted] = useState(false);
  useLayoutEffect(() => {
    lit.current?.focus({ preventScroll: true });
    (lit.current?.querySelector("mark") ?? lit.current)?.scrollIntoView({ block: "center" });
  }, [quote]);
  const boards = session.boards ?? {};
  const notes = new Map((session.interviewer_notes ?? []).map((note) => [note.seq, note]));
  return html`<section class=${`record ${noted ? "noted" : ""}`}>
    <div class="record-head">
      <h2 id="record-title">${Object.keys(boards).length > 0 ? "What was said and drawn" : "What was said"}</h2>
      ${notes.size > 0 && html`<button type="button" class="button small quiet" aria-pressed=${noted} onClick=${() => setNoted(!noted)}>Interviewer’s notes</button>`}
    </div>
    ${board !== null && html`<${Replay} session=${session} at=${board} onTurn=${setBoard} />`}
    <div class="record-turns" tabindex="0" role="region" aria-labelledby="record-title">
      ${session.turns.map((turn) => {
        const here = quote?.turn === turn.seq ? quote : null;
        const drawn = boards[turn.seq];
        // As the grader reads it: what was drawn is the answer's last paragraph, so that offsets count on through it.
        const text = drawn ? `${turn.text}\n\n${drawn}` : turn.text;
        return html`<article key=${turn.seq} class=${`line ${turn.role} ${here || board === turn.seq ? "lit" : ""}`} ref=${here ? lit : undefined} tabindex=${here ? -1 : undefined}>
          <p class="turn-who"><span>${turn.role === "candidate" ? "You" : "Interviewer"}</span> <span class="note">turn ${turn.seq}</span>
            ${here && html`<button type="button" class="button small quiet" onClick=${onBack}>Back to the score</button>`}
            ${drawn && html`<button type="button" class="button small quiet" aria-expanded=${board === turn.seq} onClick=${() => setBoard(board === turn.seq ? null : turn.seq)}>${board === turn.seq ? "Close the board" : "See the board"}</button>`}</p>
          <p class="line-text">${here && here.end > here.start ? marked(text, here) : text}</p>
          ${notes.has(turn.seq) && html`<${TurnNote} note=${notes.get(turn.seq)} />`}
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
