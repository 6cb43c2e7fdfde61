// A quotation that leads to where it was said.

import { html } from "../html.js";

/** @param {{ quote: import("../types.js").Quote, sign?: string, note?: string, onJump: (quote: import("../types.js").Quote) => void }} props */
export function QuoteButton({ quote, sign, note, onJump }) {
  const side = sign === "-" ? "against" : sign === "+" ? "for" : "";
  return html`<button type="button" class=${`quote ${side}`} onClick=${() => onJump(quote)}>
    <span class="quote-text">“${quote.quote}”</span>
    <span class="note">${[side && (side === "for" ? "speaks for you" : "speaks against"), note, `turn ${quote.turn}`].filter(Boolean).join(" · ")}</span>
  </button>`;
}
