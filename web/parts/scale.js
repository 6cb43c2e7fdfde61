// A score as it is: a distribution over five levels, its mean and its spread. Never a bare number where there is doubt.

import { html } from "../html.js";
import { score } from "../format.js";

const x = (/** @type {number} */ level) => 12 + (level - 1) * 49;

/** @param {{ dimension: import("../types.js").Dimension }} props */
export function Scale({ dimension }) {
  const { score: mean, spread, distribution, confidence } = dimension;
  if (dimension.status !== "scored" || mean === null) {
    return html`<svg class="scale" viewBox="0 0 220 28" role="img" aria-label="Not assessed">${axis()}</svg>`;
  }
  const half = (spread ?? 0) / 2;
  const says = `${score(mean)} of 5${spread === null ? "" : `, spread ${score(spread)}`}${confidence === "low" ? ", low confidence" : ""}`;
  return html`<svg class="scale" viewBox="0 0 220 28" role="img" aria-label=${says}>
    ${axis()}
    ${[1, 2, 3, 4, 5].map((level) => {
      const part = distribution?.[String(level)] ?? 0;
      return part > 0.005 && html`<circle class="scale-part" cx=${x(level)} cy="14" r=${11 * Math.sqrt(part)} />`;
    })}
    <line class="scale-spread" x1=${x(Math.max(1, mean - half))} x2=${x(Math.min(5, mean + half))} y1="14" y2="14" />
    <circle class=${confidence === "low" ? "scale-mean low" : "scale-mean"} cx=${x(mean)} cy="14" r="5" />
  </svg>`;
}

function axis() {
  return html`<line class="scale-axis" x1=${x(1)} x2=${x(5)} y1="14" y2="14" />
    ${[1, 2, 3, 4, 5].map((level) => html`<line class="scale-tick" x1=${x(level)} x2=${x(level)} y1="10" y2="18" />`)}`;
}
