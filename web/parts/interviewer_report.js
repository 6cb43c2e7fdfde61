// How the interviewer did, counted by the program: what a person may hold against a score.

import { html } from "../html.js";

/** What is counted, how it is said of one turn and of several. @type {[string, string, string][]} */
const faults = [
  ["double", "asked more than one thing at once", "asked more than one thing at once"],
  ["yes_no", "could be answered with yes or no", "could be answered with yes or no"],
  ["leading", "held a piece of an answer", "held a piece of an answer"],
  ["over_long", "was longer than it should be", "were longer than they should be"],
  ["repeated", "asked what had been asked", "asked what had been asked"],
  ["praise", "praised or judged", "praised or judged"],
  ["spare", "was a spare question: nothing made for the point was left", "were spare questions: nothing made for the point was left"],
];

/** @param {{ report: any, onTurn: (turn: number) => void }} props */
export function InterviewerReport({ report, onTurn }) {
  if (!report || typeof report.turns !== "number") return null;
  const found = faults.map(([id, one, many]) => ({ one, many, turns: /** @type {number[]} */ (Array.isArray(report[id]) ? report[id] : []) })).filter(({ turns }) => turns.length > 0);
  return html`<details class="fold">
    <summary>How the interviewer did</summary>
    <div class="quality">
      <p>${report.turns} turns, ${Number(report.questions_per_turn ?? 0).toFixed(1)} questions a turn${typeof report.quoting === "number" ? `, ${Math.round(report.quoting * 100)} % of the follow-ups in your own words` : ""}${report.facts ? `, ${report.facts} facts told` : ""}.</p>
      ${found.length === 0
        ? html`<p class="note">No turn asked two things, led, praised, repeated itself or was too long.</p>`
        : html`<ul class="plain-list">${found.map(({ one, many, turns }) => html`<li>${turns.length === 1 ? `One turn ${one}` : `${turns.length} turns ${many}`}: ${turns.map((turn) => html`<button type="button" class="turn-link" onClick=${() => onTurn(turn)}>turn ${turn}</button> `)}</li>`)}</ul>`}
      <p class="note">Counted by the program from what was said; it changes no score. If it says that you were asked badly, dispute.</p>
    </div>
  </details>`;
}
