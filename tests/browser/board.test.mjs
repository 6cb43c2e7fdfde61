// The whiteboard in real Chromium: lazily loaded, in an origin of its own, drawn, kept, sent, replayed; and hostile files.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch } from "./browser.mjs";
import { startMock } from "./mock.mjs";
import { openPage } from "./page.mjs";
import { serve } from "./server.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const fixture = (/** @type {string} */ name) => fileURLToPath(new URL(`../fixtures/boards/${name}.excalidraw`, import.meta.url));

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** @param {string} path @param {(page: import("playwright-core").Page, mock: any, faults: string[]) => Promise<void>} act @param {any} [options] */
async function on(path, act, options) {
  const mock = await startMock();
  const opened = await openPage(browser, options);
  try {
    await opened.page.goto(`${mock.url}/#${path}`);
    await opened.page.locator("h1").waitFor();
    await act(opened.page, mock, opened.faults);
    await opened.close();
  } finally {
    await mock.close();
  }
}

const board = (/** @type {import("playwright-core").Page} */ page) => page.frameLocator("iframe[title=Whiteboard]");

/** The browser keeps so many shapes of a kind. @param {import("playwright-core").Page} page @param {string} kind @param {number} count */
const kept = (page, kind, count) => page.waitForFunction(([wanted, many]) => (localStorage.getItem("offrecord.board.active") ?? "").split(`"kind":"${wanted}"`).length - 1 === many, /** @type {const} */ ([kind, count]));

/** @param {import("playwright-core").Page} page */
async function open(page) {
  await page.getByRole("button", { name: "Whiteboard" }).click();
  await board(page).getByRole("toolbar", { name: "Architecture shapes" }).waitFor();
}

test("the files are the ones of the manifest", () => {
  const folder = new URL("../../web/vendor/excalidraw/", import.meta.url);
  const { files } = JSON.parse(readFileSync(new URL("manifest.json", folder), "utf8"));
  for (const [file, hash] of Object.entries(files)) assert.equal(createHash("sha256").update(readFileSync(new URL(file, folder))).digest("hex"), hash, file);
});

for (const [width, height] of [[390, 844], [768, 900], [1440, 900]]) {
  test(`an imported board is seen whole and as large as it can be at ${width} px`, () =>
    on("/sessions/active", async (page) => {
      await page.getByRole("button", { name: "Whiteboard" }).click();
      await page.getByLabel("An .excalidraw file").setInputFiles(fixture("13-feed-fanout"));
      const canvas = board(page).locator("canvas.static");
      const drawn = () => canvas.evaluate((element) => {
        const { width: w, height: h } = /** @type {HTMLCanvasElement} */ (element);
        const pixels = /** @type {CanvasRenderingContext2D} */ (/** @type {HTMLCanvasElement} */ (element).getContext("2d")).getImageData(0, 0, w, h).data;
        let [left, right] = [w, 0];
        for (let at = 0; at < pixels.length; at += 4) {
          if (pixels[at] > 120 || pixels[at + 3] === 0) continue;
          const x = (at / 4) % w;
          left = Math.min(left, x);
          right = Math.max(right, x);
        }
        return { left: left / w, right: 1 - right / w };
      });
      let seen = await drawn();
      for (let tries = 0; tries < 100 && !(seen.left < 0.1 && seen.right < 0.1); tries += 1) {
        await page.waitForTimeout(100);
        seen = await drawn();
      }
      assert.ok(seen.left > 0.01 && seen.left < 0.1 && seen.right > 0.01 && seen.right < 0.1, JSON.stringify(seen));
    }, { viewport: { width, height } }));
}

test("the board takes the plan's place too when it is made wider, and gives it back", () =>
  on("/sessions/active", async (page) => {
    await open(page);
    const width = async () => (await page.locator("iframe[title=Whiteboard]").boundingBox())?.width ?? 0;
    const before = await width();
    await page.getByRole("button", { name: "Wider", pressed: false }).click();
    assert.ok((await width()) > before * 1.3, `${await width()} px after ${before} px`);
    await page.locator(".phases").waitFor({ state: "hidden" });
    assert.ok(((await page.locator("#answer").boundingBox())?.width ?? 0) > 250, "there is room for an answer");
    await page.getByRole("button", { name: "Wider", pressed: true }).click();
    await page.locator(".phases").waitFor();
    assert.equal(await width(), before);
  }));

test("it is loaded when it is opened, draws, keeps every stroke, and goes with the answer", () =>
  on("/sessions/active", async (page, mock) => {
    assert.ok(!mock.state.log.some((/** @type {string} */ line) => line.includes("excalidraw")), "nothing of it is loaded before");
    await open(page);
    for (const name of ["Client", "Load balancer", "Service", "Database", "Cache", "Queue", "Stream", "CDN", "External"]) await board(page).getByRole("button", { name, exact: true }).click();
    await page.getByText("Kept for your next answer.").waitFor();
    await page.locator("#answer").fill("The parts are as I have drawn them, and the load balancer is in front.");
    await page.keyboard.press("Control+Enter");
    await page.locator(".turn .drawn").waitFor();
    const sent = mock.state.boards.get("active/7");
    const kinds = sent.elements.filter((/** @type {any} */ one) => one.customData).map((/** @type {any} */ one) => one.customData.kind);
    assert.deepEqual(kinds, ["client", "load-balancer", "service", "database", "cache", "queue", "stream", "cdn", "external"]);
    const boxes = sent.elements.filter((/** @type {any} */ one) => one.customData);
    const overlap = boxes.some((/** @type {any} */ a, /** @type {number} */ i) => boxes.some((/** @type {any} */ b, /** @type {number} */ j) => i < j && a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height));
    assert.equal(overlap, false, "no new shape hides another");

    await page.locator(".turn.interviewer:not(.streaming)").nth(4).waitFor();
    await page.locator("#answer").fill("Nothing is new on the board this time, as I only add words.");
    await page.keyboard.press("Control+Enter");
    await page.locator(".turn.interviewer:not(.streaming)").nth(5).waitFor();
    assert.equal(mock.state.boards.has("active/9"), false, "an unchanged board is not sent again");

    await board(page).getByRole("button", { name: "Cache", exact: true }).click();
    await kept(page, "cache", 2);
    await page.reload();
    await open(page);
    await page.locator("#answer").fill("After the reload the last stroke is still there, so it is sent.");
    await page.keyboard.press("Control+Enter");
    await page.locator(".turn .drawn").nth(1).waitFor();
    assert.equal(mock.state.boards.get("active/11").elements.filter((/** @type {any} */ one) => one.customData?.kind === "cache").length, 2);
  }));

test("the frame can reach nothing: no storage, no page around it, no connection", () =>
  on("/sessions/active", async (page, _, faults) => {
    // The refusals are what is wanted here.
    const wanted = (/** @type {string} */ fault) => fault.startsWith("policy:") && fault.includes("/healthz");
    await open(page);
    const frame = /** @type {import("playwright-core").Frame} */ (page.frames().find((one) => one.url().endsWith("/board.html")));
    const tried = await frame.evaluate(async () => {
      const refused = async (/** @type {() => any} */ act) => {
        try {
          await act();
          return "allowed";
        } catch {
          return "refused";
        }
      };
      return [await refused(() => localStorage.length), await refused(() => /** @type {any} */ (parent).document.body), await refused(() => document.cookie)];
    });
    assert.deepEqual(tried, ["refused", "refused", "refused"]);
    // A connection is refused by the frame's policy; the refusal is an event, so that this test needs no other host.
    const blocked = await frame.evaluate(() => new Promise((done) => {
      document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective));
      fetch("/healthz").catch(() => {});
    }));
    assert.equal(blocked, "connect-src");
    for (let tries = 0; tries < 500 && faults.length === 0; tries += 1) await page.waitForTimeout(20);
    assert.ok(faults.length > 0 && faults.every(wanted), faults.join("\n"));
    faults.length = 0;
    assert.equal(await page.getByTitle("Whiteboard").getAttribute("sandbox"), "allow-scripts");
  }));

test("hostile and broken files are refused with the reason, and the interview is unharmed", () =>
  on("/sessions/active", async (page, mock) => {
    await open(page);
    const bring = (/** @type {string} */ text) => page.getByLabel("An .excalidraw file").setInputFiles({ name: "b<i>.excalidraw", mimeType: "", buffer: Buffer.from(text) });
    for (const [text, reason] of [
      ["{", "does not hold JSON"],
      ["\x89PNG", "does not hold JSON"],
      ['{"type":"excalidrawlib"}', "not an .excalidraw file"],
      ['{"type":"excalidraw","elements":[{"id":1}]}', "malformed"],
      ['{"type":"excalidraw","elements":[{"id":"a","type":"rectangle","x":0,"y":0,"width":1e30,"height":1}]}', "malformed"],
      [JSON.stringify({ type: "excalidraw", elements: Array(3001).fill({ id: "a", type: "rectangle", x: 0, y: 0, width: 1, height: 1 }) }), "more than 3,000"],
      ["x".repeat(10_000_000), "at most 1,024"],
    ]) {
      await bring(text);
      await page.getByRole("alert").filter({ hasText: reason }).waitFor();
    }
    await page.getByLabel("An .excalidraw file").setInputFiles(fixture("20-hostile-labels"));
    await page.getByRole("alert").waitFor({ state: "detached" });
    await page.locator("#answer").fill("Even so the answer is sent, with the board that could be read.");
    await page.keyboard.press("Control+Enter");
    await page.locator(".turn .drawn").getByText("<img src=x onerror=alert(1)>").waitFor();
    assert.equal(await page.locator(".turn img").count(), 0);
    assert.equal(mock.state.boards.get("active/7").elements.length > 2, true);
  }));

test("a board is exported as a file and comes back from it", () =>
  on("/sessions/active", async (page) => {
    await open(page);
    assert.equal(await page.getByRole("button", { name: "Export" }).isDisabled(), true);
    await page.getByLabel("An .excalidraw file").setInputFiles(fixture("13-feed-fanout"));
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export" }).click()]);
    assert.match(file.suggestedFilename(), /^messages-to-forty-million-people\.excalidraw$/);
    const scene = JSON.parse(readFileSync(await file.path(), "utf8"));
    assert.deepEqual([scene.type, scene.elements.length], ["excalidraw", JSON.parse(readFileSync(fixture("13-feed-fanout"), "utf8")).elements.length]);
  }, { acceptDownloads: true }));

test("boards are replayed beside the transcript", () =>
  on("/sessions/older/scorecard", async (page) => {
    await page.getByRole("button", { name: "See the board" }).first().click();
    await page.getByText("Board 1 of 2, with turn 3").waitFor();
    await page.frameLocator("iframe").locator("canvas").first().waitFor();
    assert.equal(await page.frameLocator("iframe").getByRole("toolbar").count(), 0, "nothing can be drawn in it");
    await page.getByRole("button", { name: "Later board" }).click();
    await page.getByText("Board 2 of 2, with turn 5").waitFor();
    await page.locator(".line.lit").getByText("turn 5").waitFor();
  }));

test("by keyboard: there, a shape, and back to the answer", () =>
  on("/sessions/active", async (page, mock) => {
    await page.keyboard.press("Alt+b");
    const queue = board(page).getByRole("button", { name: "Queue", exact: true });
    await queue.waitFor();
    await queue.focus();
    await page.keyboard.press("Enter");
    await kept(page, "queue", 1);
    await page.keyboard.press("Alt+b");
    await page.waitForFunction(() => document.activeElement?.id === "answer");
    await page.keyboard.type("I put a queue between the two, as drawn on the board just now.");
    await page.keyboard.press("Control+Enter");
    await page.locator(".turn .drawn").waitFor();
    assert.equal(mock.state.boards.get("active/7").elements[0].customData.kind, "queue");
  }));

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`our row of shapes has no accessibility fault, ${colorScheme}`, () =>
    on("/sessions/active", async (page) => {
      await open(page);
      const frame = /** @type {import("playwright-core").Frame} */ (page.frames().find((one) => one.url().endsWith("/board.html")));
      await frame.evaluate(axe);
      const found = await frame.evaluate(() => /** @type {any} */ (window).axe.run(".palette", { resultTypes: ["violations"], preload: false }));
      assert.deepEqual(found.violations.map((/** @type {any} */ one) => one.id), []);
    }, { colorScheme }));
}

test("with the real program: drawn, told in words, replayed, exported, deleted", async () => {
  const program = await serve();
  const opened = await openPage(browser, { acceptDownloads: true });
  const { page } = opened;
  try {
    await page.goto(program.link);
    await page.getByText(/ready/).waitFor();
    await page.getByRole("radio", { name: "System design" }).check();
    // A problem to draw: one in eight is a review of a document, which has no board.
    await page.getByRole("combobox").fill("What is new in my street");
    await page.getByRole("option").first().click();
    await page.getByRole("button", { name: /Start interview/ }).click();
    await page.locator(".turn.interviewer").first().waitFor();
    await open(page);
    await page.getByLabel("An .excalidraw file").setInputFiles(fixture("13-feed-fanout"));
    await page.locator("#answer").fill("Posts go through a topic to the fan-out workers, which push ids into the feed cache, as I have drawn.");
    await page.keyboard.press("Control+Enter");
    await page.locator(".turn .drawn").getByText("Post service → posts topic: publish").waitFor();
    await page.locator(".turn.interviewer:not(.streaming)").nth(1).waitFor();
    await page.getByRole("button", { name: "Finish" }).click();
    await page.getByRole("button", { name: "Finish and grade" }).click();
    await page.getByRole("heading", { name: "Next time" }).waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "See the board" }).click();
    await page.frameLocator("iframe").locator("canvas").first().waitFor();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "HTML" }).click()]);
    assert.match(readFileSync(await file.path(), "utf8"), /<svg[\s\S]*posts topic/);
    await page.getByRole("link", { name: "History" }).click();
    await page.getByRole("button", { name: /^Delete/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("No interview yet").waitFor();
    assert.deepEqual(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes("board"))), []);
    await opened.close();
  } finally {
    await opened.context.close();
    await program.close();
  }
});
