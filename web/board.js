// The board of one session: the scene as it is now, and whether it has been sent as it is. Owns no markup.

import { get } from "./api.js";
import { isEmpty, keepScene, keptScene, sceneOf } from "./scene.js";

/** @typedef {import("./scene.js").Scene} Scene */

/** @param {string} id session */
export function openBoard(id) {
  let scene = keptScene(id);
  let drawn = scene !== null;
  let sent = "";
  /** @type {(() => Promise<void>) | null} */
  let flush = null;
  return {
    /** The open board says how its last stroke is got. @param {typeof flush} next */
    flusher: (next) => (flush = next),
    /** Waits for the last stroke. */
    settle: async () => flush?.(),
    scene: () => scene,
    /** Takes what is drawn now; whether it could be kept in this browser. @param {Scene} next */
    draw(next) {
      scene = next;
      drawn = true;
      return keepScene(id, next);
    },
    /** The board as the last answer carried it, where this browser has none of its own. @param {Record<string, string>} boards */
    async fetchLast(boards) {
      const last = Object.keys(boards).at(-1);
      if (drawn || last === undefined) return;
      const read = sceneOf({ type: "excalidraw", ...(await get(`/api/sessions/${encodeURIComponent(id)}/boards/${last}`)) });
      if (!drawn && "scene" in read) {
        scene = read.scene;
        sent = JSON.stringify(scene);
      }
    },
    /** What has to go with the next answer, if anything has changed. */
    due() {
      const now = scene && JSON.stringify(scene);
      return now && now !== sent && (sent !== "" || !isEmpty(scene)) ? scene : undefined;
    },
    /** @param {Scene} stored the server has this one */
    stored(stored) {
      sent = JSON.stringify(stored);
    },
  };
}
