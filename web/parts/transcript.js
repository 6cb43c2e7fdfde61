// What has been said, oldest first, and the reply that is being worded. Stays at the end while it is read there.

import { Component, html, useLayoutEffect, useRef, useState } from "../html.js";
import { useCell } from "../cell.js";
import { clock, count } from "../format.js";
import { Failure, Notice } from "./notice.js";
import { Prose } from "./prose.js";

/** @typedef {import("../types.js").Session} Session */
/** @typedef {import("../types.js").Turn} Turn */

/** @param {{ room: import("../room.js").Room, session: Session }} props */
export function Transcript({ room, session }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [atEnd, setAtEnd] = useState(true);
  const following = useRef(true);
  const top = useRef(0);
  const end = () => box.current?.scrollTo({ top: box.current.scrollHeight });
  const scrolled = () => {
    // The last scroll of a room that was left is told after it has gone.
    if (!box.current) return;
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    // Only a move upwards is the reader's: text that grew below in the meantime is not.
    if (scrollHeight - scrollTop - clientHeight < 48) following.current = true;
    else if (scrollTop < top.current - 1) following.current = false;
    top.current = scrollTop;
    setAtEnd(following.current);
  };

  useLayoutEffect(() => {
    const follow = () => following.current && end();
    const grown = new ResizeObserver(follow);
    const element = /** @type {HTMLElement} */ (box.current);
    grown.observe(/** @type {Element} */ (element.firstElementChild));
    grown.observe(element);
    end();
    return () => grown.disconnect();
  }, []);

  const last = session.turns.at(-1);
  useLayoutEffect(() => {
    if (last?.role !== "candidate") return;
    following.current = true;
    end();
  }, [last?.seq]);

  const hints = new Map();
  for (const hint of session.hints) hints.set(hint.seq, [...(hints.get(hint.seq) ?? []), hint]);
  const said = session.turns.findLast((turn) => turn.role === "interviewer");
  return html`<div class="transcript" ref=${box} onScroll=${scrolled} tabindex="0" role="region" aria-label="Transcript">
    <div class=${session.turns.length > 60 ? "turns many" : "turns"}>
      ${session.turns.map((turn) => html`<${TurnView} key=${turn.seq} turn=${turn} hints=${hints.get(turn.seq)} coach=${session.coach?.[String(turn.seq)]} drawn=${session.boards?.[turn.seq]} />`)}
      <${Reply} room=${room} session=${session} />
    </div>
    ${!atEnd && html`<button type="button" class="button to-end" onClick=${() => ((following.current = true), end())}>To the newest ↓</button>`}
    <p class="sr" aria-live="polite">${said ? `Interviewer: ${said.text}` : ""}</p>
  </div>`;
}

/** A finished turn never changes: drawn once. */
class TurnView extends Component {
  /** @param {any} next */
  shouldComponentUpdate(next) {
    return next.turn !== this.props.turn || next.coach !== this.props.coach || next.drawn !== this.props.drawn || next.hints?.length !== this.props.hints?.length;
  }

  render() {
    const { turn, coach, drawn, hints } = /** @type {{ turn: Turn, coach?: string, drawn?: string, hints?: import("../types.js").Hint[] }} */ (/** @type {unknown} */ (this.props));
    const mine = turn.role === "candidate";
    return html`<article class=${`turn ${turn.role}`} aria-label=${`${mine ? "You" : "Interviewer"}, turn ${turn.seq}`}>
      <p class="turn-who"><span>${mine ? "You" : "Interviewer"}</span>${turn.at_ms !== undefined && html` <time>${clock(turn.at_ms)}</time>`}</p>
      ${mine ? html`<${Prose} text=${turn.text} />` : html`<p class="said">${turn.text}</p>`}
      ${drawn && html`<p class="drawn note">${drawn}</p>`}
      ${hints?.map((hint) => html`<p class="hint-taken"><strong>Hint ${hint.rung}</strong>${!turn.text.includes(hint.text) && html` ${hint.text}`} <span class="note">Cost: ${hint.cost}</span></p>`)}
      ${coach && html`<div class="coach"><p class="turn-who">Coach</p><p>${coach}</p></div>`}
    </article>`;
  }
}

/** @param {{ room: import("../room.js").Room, session: Session }} props */
function Reply({ room, session }) {
  const reply = useCell(room.reply);
  const trouble = useCell(room.trouble);
  const failure = useCell(room.failure);
  const last = session.turns.at(-1);
  const due = session.status === "active" && (!last || last.role === "candidate") && session.replying == null;

  if (failure) return html`<${Failure} error=${failure} retry=${room.refresh} />`;
  if (trouble?.kind === "lost") {
    return html`<${Notice} tone="warn" title="offrecord does not answer">Trying again by itself. If you closed it, start it again in a terminal. What you have typed is kept here.</${Notice}>`;
  }
  if (reply.state === "failed" || (reply.state === "idle" && due)) {
    const again = html`<button type="button" class="button" onClick=${room.listen}>Ask again</button>`;
    const title = reply.state === "failed" ? reply.message : "The interviewer has not answered yet";
    return html`<${Notice} tone="warn" title=${title} actions=${again}>${reply.state === "failed" && reply.hint ? reply.hint : "Your answer is stored."}</${Notice}>`;
  }
  if (reply.state === "idle") return null;
  return html`<div class="turn interviewer streaming" aria-busy="true">
    <p class="turn-who"><span>Interviewer</span> <${Doing} reply=${reply} /></p>
    <p class="said">${reply.state === "writing" ? reply.text : ""}</p>
  </div>`;
}

/** @param {{ reply: import("../room.js").Reply }} props */
function Doing({ reply }) {
  return html`<span class="doing"><span class="pulse" aria-hidden="true"></span>${doing(reply)}</span>`;
}

/** @param {import("../room.js").Reply} reply */
function doing(reply) {
  switch (reply.state) {
    case "sending":
      return "sending";
    case "reading":
      return `reading ${count(reply.done)} of ${count(reply.total)}`;
    case "writing":
      return reply.rate ? `writing, about ${reply.rate.toFixed(0)} tokens a second` : "writing";
    case "thinking":
      return "thinking";
    default:
      return "waiting for the model";
  }
}
