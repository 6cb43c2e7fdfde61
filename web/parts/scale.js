// A score as it is: a distribution over five levels, its mean and its spread. Never a bare number where there is doubt.

import { html } from "../html.js";
import { score } from "../format.js";

const width = 220;
const base = 26;
const tall = 30;
const x = (/** @type {number} */ level) => 14 + (level - 1) * 48;

/** @param {{ dimension: import("../types.js").Dimension }} props */
export function Scale({ dimension }) {
  const { score: mean, spread, distribution, confidence } = dimension;
  if (dimension.status !== "scored" || mean === null) {
    return html`<svg class="scale" viewBox="0 0 ${width} 36" role="img" aria-label="Not assessed">${axis()}</svg>`;
  }
  const half = (spread ?? 0) / 2;
  const says = `${score(mean)} of 5${spread === null ? "" : `, spread ${score(spread)}`}${confidence === "low" ? ", low confidence" : ""}`;
  return html`<svg class="scale" viewBox="0 0 ${width} 36" role="img" aria-label=${says}>
    ${[1, 2, 3, 4, 5].map((level) => {
      const height = (distribution?.[String(level)] ?? 0) * tall;
      return height > 0.3 && html`<rect class="scale-part" x=${x(level) - 9} width="18" y=${base - height} height=${height} rx="2" />`;
    })}
    ${axis()}
    ${half > 0 && html`<line class="scale-spread" x1=${x(Math.max(1, mean - half))} x2=${x(Math.min(5, mean + half))} y1=${base} y2=${base} />`}
    <circle class=${confidence === "low" ? "scale-mean low" : "scale-mean"} cx=${x(mean)} cy=${base} r="5.5" />
  </svg>`;
}

function axis() {
  return html`<line class="scale-axis" x1=${x(1)} x2=${x(5)} y1=${base} y2=${base} />
    ${[1, 2, 3, 4, 5].map((level) => html`<line class="scale-axis" x1=${x(level)} x2=${x(level)} y1=${base - 3} y2=${base + 3} />`)}`;
}

/** The five levels, once above a list of scales. */
export function ScaleHead() {
  return html`<svg class="scale head" viewBox="0 0 ${width} 20" aria-hidden="true">
    ${[1, 2, 3, 4, 5].map((level) => html`<text x=${x(level)} y="15" text-anchor="middle">${level}</text>`)}
  </svg>`;
}
