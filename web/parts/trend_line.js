// One dimension over time: dots with their spread on the five levels.

import { html } from "../html.js";
import { score, when } from "../format.js";

const width = 420;
const height = 72;
const y = (/** @type {number} */ value) => 64 - (value - 1) * 14;

/** @param {{ trend: import("../progress.js").Trend }} props */
export function TrendLine({ trend }) {
  const { points, unscored } = trend;
  const step = points.length > 1 ? Math.min(64, (width - 40) / (points.length - 1)) : 0;
  const x = (/** @type {number} */ index) => 24 + index * step;
  const last = points.at(-1);
  const first = points[0];
  const change = last && first && points.length > 1 ? last.score - first.score : null;
  const says = points.length === 0 ? "no score yet" : points.map((point) => `${score(point.score)} on ${when(point.at)}`).join(", ");
  return html`<div class="trend">
    <div>
      <h3>${trend.title}</h3>
      <p class="note">${points.length === 0 ? (unscored ? `not assessed in ${unscored}` : "no score yet") : `${change === null ? "one score" : `${change >= 0 ? "+" : "−"}${Math.abs(change).toFixed(1)} since the first`}${unscored ? `, not assessed in ${unscored}` : ""}`}</p>
    </div>
    <svg class="trend-line" viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${`${trend.title}: ${says}`}>
      ${[1, 2, 3, 4, 5].map((level) => html`<line class="scale-axis" x1="14" x2=${width} y1=${y(level)} y2=${y(level)} /><text x="0" y=${y(level) + 4}>${level}</text>`)}
      ${points.length > 1 && html`<polyline class="trend-path" points=${points.map((point, index) => `${x(index)},${y(point.score)}`).join(" ")} />`}
      ${points.map(
        (point, index) => html`<line class="scale-spread" x1=${x(index)} x2=${x(index)} y1=${y(Math.min(5, point.score + point.spread / 2))} y2=${y(Math.max(1, point.score - point.spread / 2))} />
          <circle class=${point.low ? "scale-mean low" : "scale-mean"} cx=${x(index)} cy=${y(point.score)} r="4.5" />`,
      )}
    </svg>
    <span class="dimension-score">${last ? score(last.score) : "–"}</span>
  </div>`;
}
