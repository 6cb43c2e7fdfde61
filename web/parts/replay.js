// The whiteboards of an interview, one after the other, beside what was said when they were sent.

import { html, useEffect, useState } from "../html.js";
import { ApiError, get } from "../api.js";
import { download, sceneOf } from "../scene.js";
import { BoardFrame } from "./board_frame.js";
import { Failure } from "./notice.js";

/** @param {{ session: import("../types.js").Session, at: number, onTurn: (turn: number) => void }} props `at`: the turn whose board is shown */
export function Replay({ session, at, onTurn }) {
  const turns = Object.keys(session.boards ?? {}).map(Number);
  const index = Math.max(0, turns.indexOf(at));
  const [shown, setShown] = useState(/** @type {{ turn: number, scene: import("../scene.js").Scene } | null} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  useEffect(() => {
    const gone = new AbortController();
    setError(null);
    get(`/api/sessions/${encodeURIComponent(session.id)}/boards/${turns[index]}`, gone.signal).then(
      (found) => {
        const read = sceneOf({ type: "excalidraw", ...found });
        if ("scene" in read) setShown({ turn: turns[index], scene: read.scene });
        else setError(new ApiError(0, { message: "This board cannot be shown.", hint: read.reason }));
      },
      (cause) => {
        if (cause instanceof ApiError) setError(cause);
        else if (!gone.signal.aborted) throw cause;
      },
    );
    return () => gone.abort();
  }, [session.id, turns[index]]);
  return html`<div class="replay">
    <div class="replay-bar">
      <button type="button" class="button small" disabled=${index === 0} onClick=${() => onTurn(turns[index - 1])} aria-label="Earlier board">←</button>
      <p class="note" role="status">Board ${index + 1} of ${turns.length}, with turn ${turns[index]}</p>
      <button type="button" class="button small" disabled=${index === turns.length - 1} onClick=${() => onTurn(turns[index + 1])} aria-label="Later board">→</button>
      <button type="button" class="button small quiet" disabled=${!shown} onClick=${() => shown && download(shown.scene, `${session.title} turn ${shown.turn}`)}>Export</button>
    </div>
    ${error ? html`<${Failure} error=${error} />` : shown && html`<${BoardFrame} scene=${shown.scene} turn=${shown.turn} readOnly title=${`Whiteboard of turn ${shown.turn}`} />`}
    <p class="note replay-words">${session.boards?.[turns[index]]}</p>
  </div>`;
}
