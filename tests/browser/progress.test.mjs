// Progress as arithmetic: trends without invented points, and what comes next.

import assert from "node:assert/strict";
import { test } from "node:test";
import { attempts, coverage, plan, proposals, trends, weakest } from "../../web/progress.js";
import { cut } from "../../web/points.js";

const now = Date.parse("2026-11-24T12:00:00Z");

/** @param {string} at @param {Record<string, number | null>} scores @param {string} problem */
function graded(at, scores, problem = "p") {
  const dimensions = Object.entries(scores).map(([id, score]) => ({ id, title: id, status: score === null ? "not_assessed" : "scored", score, spread: 0.4, confidence: "normal" }));
  return /** @type {any} */ ({ summary: { id: at, problem, title: problem, created_at: at }, card: { dimensions } });
}

test("what was not assessed is counted and never a point", () => {
  const [technical] = trends([graded("2026-11-20T00:00:00Z", { technical: null }), graded("2026-11-10T00:00:00Z", { technical: 3 })]);
  assert.deepEqual(technical.points.map((point) => point.score), [3]);
  assert.equal(technical.unscored, 1);
});

test("points are in the order of time", () => {
  const [technical] = trends([graded("2026-11-20T00:00:00Z", { technical: 4 }), graded("2026-11-10T00:00:00Z", { technical: 3 })]);
  assert.deepEqual(technical.points.map((point) => point.score), [3, 4]);
});

test("the weaker the last score, the sooner it comes back; at most three", () => {
  const lines = trends([graded("2026-11-22T12:00:00Z", { technical: 4.5, architectural: 2, leadership: null, pragmatism: 3, ownership: 4, communication: 4 })]);
  assert.deepEqual(
    plan(lines, now).map(({ dimension, dueInDays, why }) => [dimension, dueInDays, why]),
    [
      ["architectural", -1, "last score 2.0, 2 days ago"],
      ["leadership", 0, "practised, but never shown clearly enough for a score"],
      ["pragmatism", 1, "last score 3.0, 2 days ago"],
    ],
  );
});

test("the weakest dimension is the one with the lowest newest score, not one that was never scored", () => {
  const lines = trends([graded("2026-11-20T12:00:00Z", { technical: 2, architectural: 3.1, leadership: null }), graded("2026-11-22T12:00:00Z", { technical: 3.5, architectural: 3.2, leadership: null })]);
  assert.equal(weakest(lines)?.dimension, "architectural");
  assert.equal(weakest(lines)?.round, "system-design");
  assert.equal(weakest(trends([graded("2026-11-20T12:00:00Z", { leadership: null })])), null);
});

test("good scores in a row double the pause, a weak one ends the row, and nothing stays away for ever", () => {
  const scored = (/** @type {number[]} */ ...scores) => scores.map((technical, n) => graded(`2026-11-${String(24 - 2 * (scores.length - 1 - n)).padStart(2, "0")}T12:00:00Z`, { technical, architectural: 5, leadership: 5, pragmatism: 5, ownership: 5, communication: 5 }));
  const technical = (/** @type {number[]} */ ...scores) => {
    const [trend] = trends(scored(...scores));
    return plan([trend], now)[0];
  };
  assert.equal(technical(3.6).dueInDays, 7);
  assert.equal(technical(3.6, 3.6).dueInDays, 14);
  assert.equal(technical(3.6, 3.6, 4).dueInDays, 28);
  assert.equal(technical(3.6, 3.6, 4).why, "last score 4.0, today, 3 good ones in a row");
  assert.equal(technical(4, 2, 4).dueInDays, 7);
  assert.equal(technical(4, 4, 2).dueInDays, 1);
  assert.equal(technical(5, 5, 5, 5, 5, 5).dueInDays, 60);
});

test("only problems tried more than once are compared, oldest first", () => {
  const lists = attempts([graded("2026-11-20T00:00:00Z", {}, "a"), graded("2026-11-10T00:00:00Z", {}, "a"), graded("2026-11-11T00:00:00Z", {}, "b")]);
  assert.deepEqual(lists.map((list) => list.map(({ summary }) => summary.id)), [["2026-11-10T00:00:00Z", "2026-11-20T00:00:00Z"]]);
});

test("offsets are characters, not UTF-16 units", () => {
  assert.deepEqual(cut("🙂a café", 2, 6), ["🙂a", " caf", "é"]);
});

const content = /** @type {any} */ ({
  problems: [{ id: "a", title: "A", difficulty: 3 }, { id: "b", title: "B", difficulty: 1 }],
  competencies: [{ id: "x", title: "X", dimensions: ["leadership"] }, { id: "y", title: "Y", dimensions: ["ownership"] }, { id: "z", title: "Z", dimensions: ["ownership", "leadership"] }],
});
const finished = /** @type {any[]} */ ([
  { problem: "b", created_at: "2026-11-01T00:00:00Z", overall: 2.5 },
  { problem: "b", created_at: "2026-11-09T00:00:00Z", overall: null },
  { problem: "x", created_at: "2026-11-02T00:00:00Z", overall: 3 },
]);

test("a due dimension comes with something concrete: fitting, never tried first, nothing twice", () => {
  const due = /** @type {any[]} */ (["leadership", "ownership", "technical", "architectural"].map((dimension) => ({ dimension, round: ["leadership", "ownership"].includes(dimension) ? "behavioural" : "system-design" })));
  assert.deepEqual(proposals(due, finished, content).map(({ topic, whyTopic }) => [topic?.id, whyTopic]), [
    ["z", "not tried yet"],
    ["y", "not tried yet"],
    ["a", "not tried yet"],
    ["b", "last tried 2026-11-09"],
  ]);
  assert.deepEqual(proposals(due, finished, null).map(({ topic }) => topic), [null, null, null, null]);
});

test("coverage counts finished interviews and keeps the newest grade", () => {
  assert.deepEqual(coverage(content.problems, finished).map(({ times, last, overall }) => [times, last, overall]), [[0, null, null], [2, "2026-11-09T00:00:00Z", 2.5]]);
});
