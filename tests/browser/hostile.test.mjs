// Hostile text in every place where the page shows what a model, a person or a file said.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { launch } from "./browser.mjs";
import * as canned from "./canned.mjs";
import { carriers, payloads } from "./hostile.mjs";
import { startMock } from "./mock.mjs";
import { openPage } from "./page.mjs";

/** Canned data with `texts` in every sink: turns, coach, hint, document, model answer, notes, scorecard, titles, models. @param {string[]} texts */
function poisoned(texts) {
  const pick = (/** @type {number} */ index) => texts[index % texts.length];
  const all = texts.join("\n\n");
  const sessions = canned.sessions();
  for (const session of sessions) {
    session.title = all.slice(0, 4000);
    session.problem = pick(1);
    session.document = session.id === "review" ? all : null;
    session.model_answer = session.id === "older" ? all : null;
    session.draft = all.slice(0, 20_000);
    session.plan.forEach((phase, index) => (phase.title = pick(index)));
    if (session.id === "older" || session.id === "coach") {
      session.turns = texts.map((text, seq) => ({ seq, role: seq % 2 ? "candidate" : "interviewer", text, at_ms: seq }));
      session.turns.push({ seq: texts.length, role: "interviewer", text: "And then?", at_ms: 1 });
      session.next_seq = session.turns.length;
      session.coach = Object.fromEntries(texts.map((text, seq) => [seq, text]));
      session.hints = texts.map((text, seq) => ({ topic: text, rung: 2, text, cost: text, seq }));
      session.next_hint_cost = all;
    }
    if (session.id === "older") {
      session.interviewer_notes = texts.map((text, seq) => ({ seq, heard: text, covered: [{ what: text, quote: text }], not_heard: [text], flags: [{ what: text, quote: text }], contradiction: { earlier_seq: 0, earlier: text, now: text, of_resume: true }, asked_about: text, why: text, held_back: [text], worded: text, parked: 1, engine_trouble: text }));
    }
  }
  const scorecard = structuredClone(canned.scorecard);
  scorecard.overall.note = all;
  scorecard.dimensions.forEach((dimension, at) => {
    Object.assign(dimension, { title: pick(at), gap: all, drill: all, staff_note: all, anchor_missed: { level: 4, text: all }, caps: texts.map((text) => ({ rule: text, effect: text, limit: 3, reason: text })) });
    dimension.evidence = texts.map((text, turn) => ({ turn, quote: text, start: 0, end: Array.from(text).length, sign: "+", anchor: 3, item: text, ask: text, strength: 1 }));
  });
  scorecard.contradictions = texts.map((text, turn) => ({ reason: text, first: { turn, quote: text, start: 0, end: 4 }, second: { turn, quote: text, start: 0, end: 4 } }));
  scorecard.refused_turns = texts.map((text, turn) => ({ turn, code: text, message: text }));
  scorecard.hints = texts.map((text, seq) => ({ topic: text, rung: 1, text, cost: text, seq }));
  scorecard.provenance = Object.fromEntries(texts.map((text, index) => [`x${index}`, text]));
  const models = texts.map((text, index) => ({ ...canned.models[index % 4], id: `m${index}`, title: text, reason: text, licence: text, parameters: text, quantisation: text, installed: index % 2 === 0 }));
  const content = {
    problems: texts.map((text, index) => ({ id: `p${index}`, title: text, theme: text, difficulty: 2 })),
    competencies: texts.map((text, index) => ({ id: `c${index}`, title: text, dimensions: [text] })),
    rubric: { version: "1", dimensions: canned.content.rubric.dimensions.map((dimension) => ({ ...dimension, anchors: texts })) },
  };
  const status = { ...canned.status, data_dir: all, models_dir: all, model: { ...canned.status.model, id: all.slice(0, 2000) } };
  return { sessions, scorecard, models, content, status };
}

const places = ["/", "/sessions/coach", "/sessions/review", "/sessions/older", "/sessions/older/scorecard", "/history", "/progress", "/models", "/privacy"];

/** Opens every place and everything that can be opened there. @param {import("playwright-core").Page} page @param {string} url */
async function visitAll(page, url) {
  for (const path of places) {
    await page.goto(`${url}/#${path}`);
    await page.locator("h1").first().waitFor();
    await page.waitForTimeout(100);
    await page.evaluate(() => document.querySelectorAll("details").forEach((fold) => (fold.open = true)));
    if (path === "/") await page.getByRole("combobox").click();
    if (path.endsWith("coach")) await page.keyboard.press("Alt+h");
    if (path.endsWith("scorecard")) await page.getByRole("button", { name: "Interviewer’s notes" }).click();
    if (path.endsWith("scorecard")) await page.locator(".quote").nth(3).evaluate((button) => /** @type {HTMLElement} */ (button).click());
    await page.waitForTimeout(150);
  }
}

test(`${payloads.length} payloads in every sink: nothing runs`, async () => {
  const mock = await startMock(poisoned(payloads));
  const browser = await launch();
  const opened = await openPage(browser);
  try {
    await visitAll(opened.page, mock.url);
    assert.equal(await opened.page.evaluate(() => /** @type {any} */ (window).__ran), undefined);
    await opened.page.goto(`${mock.url}/#/sessions/coach`);
    await opened.page.locator(".turn").nth(100).waitFor({ state: "attached" });
    const foreign = await opened.page.evaluate(() => document.querySelectorAll(".prose :is(script, style, iframe, object, embed, svg, math, img, video, audio, form, input, a, link, meta, base)").length);
    assert.equal(foreign, 0, "no element that could load or run came out of a text");
    assert.ok((await opened.page.evaluate(() => document.body.innerText)).includes("<script>window.__ran=1"), "markup shows as text");
    await opened.close();
  } finally {
    await browser.close();
    await mock.close();
  }
});

test("ways to leak through a link or an image: no connection, no name looked up", async () => {
  const host = "leak.example";
  const texts = carriers(host);
  assert.ok(texts.length >= 30);
  let touched = 0;
  const listener = createServer((socket) => ((touched += 1), socket.destroy()));
  await new Promise((listening) => listener.listen(0, "127.0.0.1", () => listening(undefined)));
  const port = /** @type {import("node:net").AddressInfo} */ (listener.address()).port;
  const folder = mkdtempSync(join(tmpdir(), "offrecord-netlog-"));
  const log = join(folder, "net.json");
  const mock = await startMock(poisoned(texts));
  const browser = await launch([`--log-net-log=${log}`, `--host-resolver-rules=MAP ${host} 127.0.0.1:${port}`]);
  const opened = await openPage(browser);
  try {
    await visitAll(opened.page, mock.url);
    await opened.page.goto(`${mock.url}/#/sessions/coach`);
    const link = opened.page.locator(".external").first();
    await link.hover();
    assert.match((await link.textContent()) ?? "", /leak\.example/, "a link names its host");
    await link.click();
    assert.match(opened.faults.splice(0).join(), /^dialog: Open this address outside offrecord/, "and asks before it opens");
    await opened.close();
  } finally {
    await browser.close();
    await mock.close();
    await new Promise((closed) => listener.close(closed));
  }
  assert.equal(touched, 0, "nobody called");
  assert.ok(readFileSync(log, "utf8").includes(`${mock.url}/markdown.js`), "the log holds what was asked for");
  assert.doesNotMatch(readFileSync(log, "utf8").replaceAll(/"command_line":"[^"]*"/g, ""), /leak\.example[:/"]/, "the name is not in the browser's network log");
  rmSync(folder, { recursive: true });
});
