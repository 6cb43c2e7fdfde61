// The whiteboard beside the talk: drawn at any time, kept with every stroke, sent with the next answer.

import { html, useRef, useState } from "../html.js";
import { count } from "../format.js";
import { download, isEmpty, readScene } from "../scene.js";
import { BoardFrame } from "./board_frame.js";

/** @param {{ room: import("../room.js").Room, session: import("../types.js").Session, hidden: boolean, roomy: boolean, onRoomy: () => void, onLeave: () => void }} props `roomy`: it has taken the plan’s place too */
export function Whiteboard({ room, session, hidden, roomy, onRoomy, onLeave }) {
  const [turn, setTurn] = useState(0);
  const [kept, setKept] = useState(true);
  const [refused, setRefused] = useState("");
  const [drawn, setDrawn] = useState(() => !isEmpty(room.board.scene()));
  const chooser = useRef(/** @type {HTMLInputElement | null} */ (null));

  /** @param {import("../scene.js").Scene} scene */
  const changed = (scene) => {
    setDrawn(!isEmpty(scene));
    setKept(room.board.draw(scene));
  };

  /** @param {File | undefined} file */
  const bring = async (file) => {
    if (!file) return;
    const read = file.size > 1024 * 1024 ? { reason: `It has ${count(Math.round(file.size / 1024))} KiB; at most 1,024 are read.` } : readScene(await file.text());
    if ("reason" in read) return setRefused(`${file.name} is not opened. ${read.reason}`);
    setRefused("");
    changed(read.scene);
    setTurn(turn + 1);
  };

  /** @param {DragEvent} event */
  const dropped = (event) => {
    event.preventDefault();
    bring(event.dataTransfer?.files[0]);
  };

  const scene = room.board.scene();
  return html`<aside class="document whiteboard" aria-label="Whiteboard" hidden=${hidden} onDragOver=${(/** @type {Event} */ event) => event.preventDefault()} onDrop=${dropped}>
    <div class="whiteboard-bar">
      <p class="note" role="status">${!kept ? "Too large to be kept in this browser: export it." : drawn ? "Kept for your next answer." : "It goes with your next answer."}</p>
      <button type="button" class="button small quiet only-wide" aria-pressed=${roomy} onClick=${onRoomy}>Wider</button>
      <button type="button" class="button small quiet" onClick=${() => chooser.current?.click()}>Import</button>
      <button type="button" class="button small quiet" disabled=${!drawn} onClick=${() => scene && download(/** @type {any} */ (room.board.scene()), session.title)}>Export</button>
      <input ref=${chooser} type="file" hidden tabindex="-1" aria-label="An .excalidraw file" accept=".excalidraw,.json"
        onChange=${(/** @type {any} */ event) => (bring(event.currentTarget.files[0]), (event.currentTarget.value = ""))} />
    </div>
    ${refused && html`<p class="note error whiteboard-refused" role="alert">${refused}</p>`}
    <${BoardFrame} scene=${scene} turn=${turn} title="Whiteboard" onChange=${changed} onLeave=${onLeave} flusher=${room.board.flusher} />
  </aside>`;
}
