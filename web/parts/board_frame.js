// The whiteboard's frame: a program by others in an origin of its own, reached by messages alone.

import { html, useEffect, useRef, useState } from "../html.js";
import { sceneOf } from "../scene.js";

/** @typedef {import("../scene.js").Scene} Scene */

const dark = matchMedia("(prefers-color-scheme: dark)");

/** For the frame to hand over its last stroke before an answer is sent. */
const patience = 400;

/** @returns {"light" | "dark"} */
const themeNow = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "light" || chosen === "dark" ? chosen : dark.matches ? "dark" : "light";
};

/** @param {{ scene: Scene | null, turn: number, readOnly?: boolean, title: string, onChange?: (scene: Scene) => void, onLeave?: () => void, flusher?: (flush: (() => Promise<void>) | null) => void }} props `turn`: another number shows `scene` anew */
export function BoardFrame({ scene, turn, readOnly = false, title, onChange, onLeave, flusher }) {
  const frame = useRef(/** @type {HTMLIFrameElement | null} */ (null));
  const [ready, setReady] = useState(false);
  const latest = useRef({ onChange, onLeave });
  latest.current = { onChange, onLeave };
  /** @param {Record<string, unknown>} message */
  const tell = (message) => frame.current?.contentWindow?.postMessage({ theme: themeNow(), ...message }, "*");

  const flushed = useRef(() => {});
  useEffect(() => {
    flusher?.(() => new Promise((done) => {
      flushed.current = done;
      tell({ type: "flush" });
      setTimeout(done, patience);
    }));
    return () => flusher?.(null);
  }, []);

  useEffect(() => {
    /** @param {MessageEvent} event */
    const heard = ({ source, data }) => {
      if (source !== frame.current?.contentWindow) return;
      if (data?.type === "ready") setReady(true);
      else if (data?.type === "flushed") flushed.current();
      else if (data?.type === "leave") latest.current.onLeave?.();
      else if (data?.type === "changed") {
        const read = sceneOf(data.scene);
        if ("scene" in read) latest.current.onChange?.(read.scene);
      }
    };
    const themed = () => tell({ type: "theme" });
    const watcher = new MutationObserver(themed);
    watcher.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    dark.addEventListener("change", themed);
    addEventListener("message", heard);
    return () => {
      removeEventListener("message", heard);
      dark.removeEventListener("change", themed);
      watcher.disconnect();
    };
  }, []);

  useEffect(() => {
    if (ready) tell({ type: "open", scene, readOnly });
  }, [ready, turn]);

  return html`<div class="board-frame">
    ${!ready && html`<p class="note" role="status">Opening the whiteboard…</p>`}
    <iframe ref=${frame} sandbox="allow-scripts" title=${title} src="/board.html"></iframe>
  </div>`;
}
