// One dimension: its place on the scale, and folded below it why.

import { html, useState } from "../html.js";
import { score } from "../format.js";
import { QuoteButton } from "./quote.js";
import { Scale } from "./scale.js";

/** @param {{ dimension: import("../types.js").Dimension, anchors?: any[], onJump: (quote: import("../types.js").Quote) => void }} props */
export function DimensionRow({ dimension, anchors, onJump }) {
  const scored = dimension.status === "scored";
  return html`<details class=${`dimension ${scored ? "" : "unscored"}`} name="">
    <summary>
      <span class="dimension-title">${dimension.title}</span>
      <${Scale} dimension=${dimension} />
      <span class="dimension-score">${scored ? score(dimension.score) : "not assessed"}</span>
    </summary>
    <div class="dimension-body">
      ${!scored && html`<p>${dimension.reason?.message ?? "There was not enough evidence for a score."} Not assessed is not a low score: it counts in no mean.</p>`}
      ${dimension.confidence === "low" && html`<p class="low-note"><strong>Low confidence.</strong> ${(dimension.spread ?? 0) >= 1 ? `The readings differ by ${score(dimension.spread)} levels` : "There is little evidence"}; read the quotations before the number.</p>`}
      ${dimension.caps.map(
        (cap) => html`<div class="cap"><p><strong>Held down by a rule:</strong> ${cap.effect}</p><p class="note">${cap.reason}</p>
          ${cap.quote && html`<${QuoteButton} quote=${cap.quote} onJump=${onJump} />`}</div>`,
      )}
      ${dimension.evidence.length > 0 &&
      html`<${Quotes} evidence=${dimension.evidence} onJump=${onJump} />`}
      <dl class="verdicts">
        ${dimension.gap && html`<div><dt>Gap</dt><dd>${dimension.gap}</dd></div>`}
        ${dimension.anchor_missed && html`<div><dt>Missed, level ${dimension.anchor_missed.level}</dt><dd>${dimension.anchor_missed.text}</dd></div>`}
        ${dimension.drill && html`<div><dt>Drill</dt><dd>${dimension.drill}</dd></div>`}
        ${dimension.staff_note && html`<div><dt>For staff</dt><dd>${dimension.staff_note}</dd></div>`}
      </dl>
      ${anchors && html`<${Anchors} anchors=${anchors} level=${dimension.score} />`}
    </div>
  </details>`;
}

const shownAtOnce = 4;

/** The strongest first; the rest on demand. @param {{ evidence: import("../types.js").Evidence[], onJump: (quote: import("../types.js").Quote) => void }} props */
function Quotes({ evidence, onJump }) {
  const [all, setAll] = useState(false);
  const list = all ? evidence : evidence.slice(0, shownAtOnce);
  return html`<div class="quotes">
    ${list.map((piece) => html`<${QuoteButton} quote=${piece} sign=${piece.sign} note=${`anchor ${piece.anchor}`} onJump=${onJump} />`)}
    ${list.length < evidence.length && html`<p><button type="button" class="button small quiet" onClick=${() => setAll(true)}>${evidence.length - list.length} more</button></p>`}
  </div>`;
}

/** @param {{ anchors: any[], level: number | null }} props */
function Anchors({ anchors, level }) {
  const at = level === null ? 0 : Math.round(level);
  return html`<details class="anchors">
    <summary>What the levels mean</summary>
    <ol>
      ${anchors.map((anchor, index) => html`<li class=${index + 1 === at ? "at" : ""}>${typeof anchor === "string" ? anchor : anchor.text}</li>`)}
    </ol>
  </details>`;
}
