// The interview room: who says what, how much time is left, and a box for the answer.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { useCell } from "../cell.js";
import { label } from "../format.js";
import { openRoom } from "../room.js";
import { go } from "../router.js";
import { Composer } from "../parts/composer.js";
import { Confirm, Dialog } from "../parts/dialog.js";
import { Leaves } from "../parts/elsewhere.js";
import { EngineFacts } from "../parts/engine_facts.js";
import { HintDialog } from "../parts/hint_dialog.js";
import { Failure } from "../parts/notice.js";
import { PhaseRail, TimeLeft } from "../parts/phases.js";
import { Prose } from "../parts/prose.js";
import { ThemeToggle } from "../parts/shell.js";
import { KeysButton } from "../parts/shortcuts.js";
import { Transcript } from "../parts/transcript.js";
import { Whiteboard } from "../parts/whiteboard.js";

/** @typedef {import("../types.js").Session} Session */

const wide = matchMedia("(min-width: 70.01rem)");

/** @param {{ id: string }} props */
export function RoomPage({ id }) {
  const [room, setRoom] = useState(/** @type {import("../room.js").Room | null} */ (null));
  useEffect(() => {
    const opened = openRoom(id);
    setRoom(opened);
    return () => opened.close();
  }, [id]);
  return room && html`<${Opened} room=${room} />`;
}

/** @param {{ room: import("../room.js").Room }} props */
function Opened({ room }) {
  const session = useCell(room.session);
  const failure = useCell(room.failure);
  if (session) return html`<${Room} room=${room} session=${session} />`;
  return html`<div class="page room-wait">
    <h1 class="quiet-title">Interview</h1>
    ${failure ? html`<${Failure} error=${failure} retry=${room.refresh} />` : html`<p class="note" role="status">Opening the room…</p>`}
    <p><a href="#/">Back to the start</a> or to the <a href="#/history">history</a></p>
  </div>`;
}

/** @param {{ room: import("../room.js").Room, session: Session }} props */
function Room({ room, session }) {
  const [asking, setAsking] = useState(/** @type {"hint" | "finish" | "problem" | null} */ (null));
  const [busy, setBusy] = useState(false);
  const [side, setSide] = useState(() => (wide.matches && session.document ? "document" : ""));
  const [opened, setOpened] = useState(false);
  const [roomy, setRoomy] = useState(false);
  // In a review a document is judged and nothing is drawn.
  const board = session.round === "system-design" && !session.document && session.status !== "finished";
  const toggle = async (/** @type {string} */ which) => {
    if (which === "board") await room.board.fetchLast(latest.current.boards ?? {}).catch(() => {});
    // Once opened it stays, so that no stroke is lost and it is there at once the next time.
    if (which === "board") setOpened(true);
    setSide((now) => (now === which ? "" : which));
  };
  const latest = useRef(session);
  latest.current = session;
  const open = session.status === "active";

  useEffect(() => {
    document.title = `${session.title} – offrecord`;
  }, [session.title]);

  const pause = async () => {
    setBusy(true);
    await room.act(latest.current.status === "paused" ? "resume" : "pause");
    setBusy(false);
  };
  const finish = async () => {
    setBusy(true);
    const done = await room.act("finish");
    setBusy(false);
    setAsking(null);
    if (done) go(`/sessions/${room.id}/scorecard`);
  };
  const hint = async () => {
    setBusy(true);
    await room.act("hint");
    setBusy(false);
    setAsking(null);
  };

  useLayoutEffect(() => {
    /** @param {KeyboardEvent} event */
    const pressed = (event) => {
      if (!event.altKey || event.ctrlKey || event.metaKey || latest.current.status === "finished") return;
      const does = { KeyH: () => setAsking("hint"), KeyF: () => setAsking("finish"), KeyQ: () => setAsking("problem"), KeyP: pause, KeyB: board ? () => toggle("board") : undefined }[event.code];
      if (!does) return;
      event.preventDefault();
      does();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);

  const document_ = session.document;
  // What was asked first scrolls away; it is one key off for the whole interview.
  const brief = session.turns.find((turn) => turn.role === "interviewer")?.text;
  const shown = side === "board" ? board : side === "document" && document_;
  return html`<div class=${`room ${shown ? "with-document" : ""} ${shown && side === "board" ? "with-board" : ""} ${roomy ? "roomy" : ""}`}>
    <header class="room-bar">
      <a class="name" href="#/" aria-label="offrecord, to the start">offrecord</a>
      <div class="room-title">
        <h1>${session.title}</h1>
        <p class="note"><span class="room-round">${label(session.round)} · </span>${label(session.level)}${session.mode === "coach" ? " · Coach" : ""}${brief && html` · <button type="button" class="turn-link" aria-keyshortcuts="Alt+Q" title="Alt Q" onClick=${() => setAsking("problem")}>The question</button>`}</p>
      </div>
      <${TimeLeft} session=${session} />
      <div class="room-actions">
        ${document_ && html`<button type="button" class="button quiet only-narrow" onClick=${() => toggle("document")}>${side === "document" ? "Back to the talk" : "Document"}</button>`}
        ${board && html`<button type="button" class="button quiet" aria-pressed=${side === "board"} aria-keyshortcuts="Alt+B" title="Alt B" onClick=${() => toggle("board")}>Whiteboard</button>`}
        ${session.status !== "finished"
          ? html`
              <button type="button" class="button quiet" disabled=${!open} onClick=${() => setAsking("hint")} aria-keyshortcuts="Alt+H" title="Alt H">Hint</button>
              <button type="button" class="button quiet" disabled=${busy} onClick=${pause} aria-keyshortcuts="Alt+P" title="Alt P">${open ? "Pause" : "Go on"}</button>
              <button type="button" class="button" onClick=${() => setAsking("finish")} aria-keyshortcuts="Alt+F" title="Alt F">Finish</button>
            `
          : html`<a class="button primary" href=${`#/sessions/${room.id}/scorecard`}>Scorecard</a>`}
        <span class="tools"><${KeysButton} /><${ThemeToggle} /></span>
      </div>
    </header>
    <div class="plan"><${PhaseRail} session=${session} /><${EngineFacts} room=${room} /></div>
    <section class="talk" aria-label="Interview">
      <${Leaves} hosts=${session.status === "finished" ? null : session.leaves_for} />
      <${Transcript} room=${room} session=${session} />
      <${Composer} key=${session.status} room=${room} session=${session} onGoOn=${pause} onFinish=${() => setAsking("finish")} />
    </section>
    ${board && opened && html`<${Whiteboard} room=${room} session=${session} hidden=${side !== "board"} roomy=${roomy} onRoomy=${() => setRoomy(!roomy)} onLeave=${() => (setSide(wide.matches ? "board" : ""), document.getElementById("answer")?.focus())} />`}
    ${shown && side === "document" && html`<aside class="document" aria-label="Document under review" tabindex="0"><${Prose} text=${document_} /></aside>`}
    ${asking === "hint" && html`<${HintDialog} cost=${session.next_hint_cost} round=${session.round} busy=${busy} onYes=${hint} onNo=${() => setAsking(null)} />`}
    ${asking === "problem" && brief && html`<${Dialog} wide title=${session.title} onClose=${() => setAsking(null)} actions=${html`<button type="button" class="button" onClick=${() => setAsking(null)}>Close</button>`}><p class="said">${brief}</p></${Dialog}>`}
    ${asking === "finish" &&
    html`<${Confirm} title="Finish the interview?" yes="Finish and grade" no="Keep going" busy=${busy} onYes=${finish} onNo=${() => setAsking(null)}>
      <p>The transcript is closed and graded. ${unsent(room.id) ? "The answer in the box has not been sent and will not count." : "You can read it at any time."}</p>
    </${Confirm}>`}
  </div>`;
}

/** @param {string} id */
const unsent = (id) => (localStorage.getItem(`offrecord.draft.${id}`) ?? "").trim() !== "";
