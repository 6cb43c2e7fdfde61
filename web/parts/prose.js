// Markdown on the page. The parser comes when it is first needed; until then, and if it fails, the plain text shows.

import { html, useLayoutEffect, useRef } from "../html.js";

/** @type {typeof import("../markdown.js") | null} */
let loaded = null;

/** @param {{ text: string, class?: string }} props */
export function Prose({ text, class: name = "" }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => {
    let current = true;
    const fill = () => current && loaded && box.current?.replaceChildren(loaded.markdown(text));
    if (loaded) {
      fill();
    } else {
      box.current?.replaceChildren(document.createTextNode(text));
      import("../markdown.js").then((module) => ((loaded = module), fill())).catch(() => {});
    }
    return () => {
      current = false;
    };
  }, [text]);
  return html`<div ref=${box} class=${`prose ${name}`}></div>`;
}
