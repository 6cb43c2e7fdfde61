// The list of keys, on "?".

import { html, useLayoutEffect, useState } from "../html.js";
import { Dialog } from "./dialog.js";

const keys = [
  ["Practise", [["Enter", "Start the interview"], ["/", "Search the problems"]]],
  ["In the room", [["Ctrl + Enter", "Send the answer"], ["Alt + M", "Speak, or hold while you speak"], ["Alt + B", "Whiteboard, or back from it"], ["Alt + H", "Ask for a hint"], ["Alt + P", "Pause or go on"], ["Alt + F", "Finish"]]],
  ["Everywhere", [["?", "This list"], ["Esc", "Close"]]],
];

/** @param {EventTarget | null} target */
export const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName) ||
    (target instanceof HTMLInputElement && !["radio", "checkbox", "button"].includes(target.type)));

export function Shortcuts() {
  const [shown, setShown] = useState(false);
  useLayoutEffect(() => {
    /** @param {KeyboardEvent} event */
    const pressed = (event) => {
      if (event.key === "?" && !isTyping(event.target) && !document.querySelector("dialog[open]")) setShown(true);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
  if (!shown) return null;
  const close = html`<button type="button" class="button" onClick=${() => setShown(false)}>Close</button>`;
  return html`<${Dialog} title="Keys" onClose=${() => setShown(false)} actions=${close}>
    ${keys.map(
      ([where, list]) => html`<h3>${where}</h3>
        <dl class="keys">
          ${/** @type {string[][]} */ (list).map(([key, does]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${does}</dd></div>`)}
        </dl>`,
    )}
  </${Dialog}>`;
}
