// The list of keys, on "?" or on Ctrl + / where one is typing; and the two keys that lead from page to page.

import { html, useLayoutEffect, useState } from "../html.js";
import { go } from "../router.js";
import { Dialog } from "./dialog.js";

/** After "g". @type {Record<string, string>} */
const places = { p: "/", h: "/history", r: "/progress", m: "/models", b: "/benchmarks", v: "/privacy" };

/** How long "g" waits for its second key, in milliseconds. */
const patience = 1500;

/** What the button beside light and dark says to the list. */
const wanted = "offrecord.keys";

const keys = [
  ["Practise", [["Enter", "Start the interview"], ["/", "Search the problems"]]],
  ["In the room", [["Ctrl + Enter", "Send the answer"], ["Alt + M", "Speak, or hold while you speak"], ["Alt + B", "Whiteboard, or back from it"], ["Alt + Q", "The question again"], ["Alt + H", "Ask for a hint"], ["Alt + P", "Pause or go on"], ["Alt + F", "Finish"]]],
  ["In the history", [["J", "Next"], ["K", "The one before"], ["/", "Search"]]],
  ["Go to", [["G P", "Practise"], ["G H", "History"], ["G R", "Progress"], ["G M", "Models"], ["G B", "Benchmarks"], ["G V", "Privacy"]]],
  ["Everywhere", [["?", "This list"], ["Ctrl + /", "This list, while you type"], ["Esc", "Close"]]],
];

/** @param {EventTarget | null} target */
export const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName) ||
    (target instanceof HTMLInputElement && !["radio", "checkbox", "button"].includes(target.type)));

/** For a hand on the mouse; a touch screen has no keys. */
export function KeysButton() {
  return html`<button type="button" class="icon-button keys-button" aria-label="Keys" title="Keys (?)" onClick=${() => dispatchEvent(new Event(wanted))}>?</button>`;
}

export function Shortcuts() {
  const [shown, setShown] = useState(false);
  useLayoutEffect(() => {
    let begun = -Infinity;
    /** @param {KeyboardEvent} event */
    const pressed = (event) => {
      const chord = event.ctrlKey || event.metaKey;
      if (document.querySelector("dialog[open]")) return;
      if (chord && event.key === "/") {
        event.preventDefault();
        setShown(true);
      }
      if (chord || event.altKey || isTyping(event.target)) return;
      if (event.key === "?") setShown(true);
      const to = event.timeStamp - begun < patience ? places[event.key.toLowerCase()] : undefined;
      begun = event.key.toLowerCase() === "g" ? event.timeStamp : -Infinity;
      if (to) go(to);
    };
    const asked = () => setShown(true);
    addEventListener("keydown", pressed);
    addEventListener(wanted, asked);
    return () => {
      removeEventListener("keydown", pressed);
      removeEventListener(wanted, asked);
    };
  }, []);
  if (!shown) return null;
  const close = html`<button type="button" class="button" onClick=${() => setShown(false)}>Close</button>`;
  return html`<${Dialog} wide title="Keys" onClose=${() => setShown(false)} actions=${close}>
    <div class="key-groups">${keys.map(
      ([where, list]) => html`<section class="key-group"><h3>${where}</h3>
        <dl class="keys">
          ${/** @type {string[][]} */ (list).map(([key, does]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${does}</dd></div>`)}
        </dl></section>`,
    )}</div>
  </${Dialog}>`;
}
