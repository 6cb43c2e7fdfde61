// A second reading, other models, model files and benchmark reports: what the person does, and what is refused.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import * as canned from "./canned.mjs";
import { startMock } from "./mock.mjs";
import { openPage } from "./page.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** @param {string} path @param {(page: import("playwright-core").Page, mock: any) => Promise<void>} act */
async function on(path, act) {
  const mock = await startMock({ models: structuredClone(canned.models) });
  const opened = await openPage(browser);
  try {
    await opened.page.goto(`${mock.url}/#${path}`);
    await opened.page.locator("h1").waitFor();
    await act(opened.page, mock);
    await opened.close();
  } finally {
    await mock.close();
  }
}

test("a dispute is logged beside the first reading", () =>
  on("/sessions/older/scorecard", async (page, mock) => {
    await page.getByRole("button", { name: "Dispute" }).click();
    const dialog = page.getByRole("dialog");
    const send = dialog.getByRole("button", { name: "Grade with it" });
    assert.equal(await send.isDisabled(), true, "nothing is not a dispute");
    await dialog.getByLabel("What you add").fill("a ".repeat(20_000));
    await dialog.getByText("at most 32").waitFor();
    assert.equal(await send.isDisabled(), true);
    const words = "The grader missed <b>that I named</b> the budget in turn five.";
    await dialog.getByLabel("What you add").fill(words);
    await send.click();
    await page.getByRole("heading", { name: "Added in a dispute" }).waitFor();
    assert.equal(await page.locator(".added .line-text").textContent(), words, "markup is text");
    const head = page.locator(".readings thead th");
    await head.nth(2).waitFor();
    assert.match((await head.nth(2).textContent()) ?? "", /with what you added/);
    assert.equal(mock.state.sessions.get("older").scorecards.length, 3, "the first two are still there");
    await page.getByRole("link", { name: "No. 1" }).click();
    await page.getByRole("heading", { name: "Added in a dispute" }).waitFor({ state: "detached" });
  }));

test("on a phone the questions fit their boxes, however long a model's name is", () =>
  on("/sessions/older/scorecard", async (page) => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const name of ["Grade again", "Dispute", "Without names"]) {
      await page.getByRole("button", { name }).first().click();
      const dialog = page.getByRole("dialog");
      await dialog.waitFor();
      await page.waitForTimeout(100);
      const [content, box] = await dialog.evaluate((element) => [element.scrollWidth, element.clientWidth]);
      assert.ok(content <= box, `${name}: ${content} px in ${box} px`);
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
    }
  }));

test("the proposed names leave out what only begins with a capital", () =>
  on("/sessions/older/scorecard", async (page, mock) => {
    mock.state.sessions.get("older").turns[1].text = "At first I'd ask Priya Raman, then I’ve asked Northwind, and I'll say why Kafka.";
    await page.reload();
    await page.getByRole("button", { name: "Without names" }).click();
    const proposed = (await page.getByRole("dialog").getByRole("textbox").inputValue()).split("\n");
    assert.deepEqual(proposed, ["Northwind", "Priya Raman"]);
  }));

test("another installed model grades side by side, and a refusal says what to do", () =>
  on("/sessions/older/scorecard/1", async (page, mock) => {
    await page.getByRole("button", { name: "Grade again" }).click();
    await page.getByRole("dialog").getByLabel("Model").selectOption("smollm2-135m-instruct-q4_1");
    await page.getByRole("dialog").getByRole("button", { name: "Grade again" }).click();
    await page.locator(".readings thead").getByText("smollm2-135m-instruct-q4_1").waitFor();
    assert.equal(await page.evaluate(() => location.hash), "#/sessions/older/scorecard");
    mock.state.models.push({ id: "refused", title: "Too much", installed: true, fits: true });
    await page.getByRole("button", { name: "Grade again" }).click();
    await page.getByRole("dialog").getByLabel("Model").selectOption("refused");
    await page.getByRole("dialog").getByRole("button", { name: "Grade again" }).click();
    await page.getByText("cannot grade beside the model in use").waitFor();
    assert.equal(mock.state.sessions.get("older").scorecards.length, 3);
  }));

test("a model is verified, removed, and the one in use stays", () =>
  on("/models", async (page, mock) => {
    assert.equal(await page.getByRole("button", { name: "Remove Qwen2.5 Coder 1.5B" }).isDisabled(), true);
    mock.state.hold = "verify-2";
    await page.getByRole("button", { name: "Verify SmolLM2 135M" }).click();
    await page.getByRole("progressbar", { name: "Verifying SmolLM2 135M" }).waitFor();
    await page.getByText("49 MB of 98 MB").waitFor();
    mock.state.hold = null;
    await page.getByText("Checksum cc324af070c2…, as in the catalogue.").waitFor();
    mock.state.corrupt = true;
    await page.getByRole("button", { name: "Verify SmolLM2 135M" }).click();
    await page.getByText("not the one it should be").waitFor();
    await page.getByRole("button", { name: "Remove SmolLM2 135M" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByRole("button", { name: "Remove SmolLM2 135M" }).waitFor({ state: "detached" });
  }));

test("a model file is dropped in; what is none is refused with the reason", () =>
  on("/models", async (page) => {
    const bring = (/** @type {string} */ name, /** @type {string} */ text) => page.getByLabel("A model file").setInputFiles({ name, mimeType: "", buffer: Buffer.from(text) });
    await bring("cat.png", "GGUF");
    await page.getByText("Only .gguf files").waitFor();
    await bring("cat.gguf", "\x89PNG");
    const refused = page.getByRole("alert").filter({ hasText: "does not begin like one" });
    await refused.getByText("Download the file again").waitFor();
    assert.doesNotMatch((await refused.textContent()) ?? "", /request/i, "in a person's words");
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File(["GGUF and the rest"], "<img src=x onerror=alert(1)>.gguf"));
      document.querySelector(".drop")?.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    });
    await page.getByText("<img src=x onerror=alert(1)> is installed").waitFor();
    assert.equal(await page.locator("main img").count(), 0, "a name with markup is text");
  }));

test("benchmark reports open without script and are compared", () =>
  on("/benchmarks", async (page) => {
    await page.getByText("Its results cannot be read").waitFor();
    await page.getByText("240 answers are in both").waitFor();
    assert.equal(await page.locator("table .tag").textContent(), "worse");
    await page.getByRole("button", { name: "Open the report of 2026-11-24-1.5b" }).click();
    await page.frameLocator(".report-frame").getByRole("heading", { name: "Report" }).waitFor();
    assert.equal(await page.evaluate(() => "hacked" in window), false, "a report runs nothing");
  }));

test("the time of each part stands against its plan, and what took too long is marked", () =>
  on("/sessions/older/scorecard", async (page) => {
    await page.getByText("Time against the plan").click();
    const row = (/** @type {string} */ name) => page.locator(".timeline-list li").filter({ hasText: name });
    assert.match((await row("Constraints").innerText()).replaceAll(/\s+/g, " "), /4:20 of 4:00 2 questions/);
    assert.equal(await row("Constraints").locator(".over").count(), 0, "a little over is not marked");
    assert.equal(await row("High-level").locator(".over").innerText(), "9:20");
    assert.match((await row("A change").innerText()).replaceAll(/\s+/g, " "), /0:00 of 4:00 no question/);
    assert.match((await row("Opening").innerText()).replaceAll(/\s+/g, " "), /planned 1:00/);
    assert.equal(await page.locator(".timeline .slot.held").count(), 8);
  }));

test("an older scorecard without the time of its parts shows the plan and the answers", () =>
  on("/sessions/older/scorecard", async (page, mock) => {
    mock.state.scorecard = { ...canned.scorecard, interviewer_report: null };
    await page.reload();
    await page.getByText("Time against the plan").click();
    await page.locator(".timeline-list li").filter({ hasText: "Sizing" }).getByText("1 answer").waitFor();
    assert.equal(await page.locator(".timeline .slot.held").count(), 0);
  }));

test("offline, a model page offers no pull, and says why once", () =>
  on("/history", async (page, mock) => {
    mock.state.status = { ...mock.state.status, offline: true };
    await page.goto(`${mock.url}/#/models`);
    await page.getByText("start it without to pull one of these").waitFor();
    await page.getByText("Qwen2.5 Coder 0.5B").waitFor();
    assert.equal(await page.getByRole("button", { name: /^Pull/ }).count(), 0);
  }));

test("without a model the one thing to press leads to getting one", () =>
  on("/history", async (page, mock) => {
    mock.state.status = { ...mock.state.status, model: { state: "missing", hint: "Run: offrecord pull" } };
    await page.goto(`${mock.url}/#/`);
    await page.getByRole("button", { name: "Choose a model first" }).click();
    await page.getByRole("heading", { name: "Models" }).waitFor();
    assert.ok(!mock.state.log.includes("POST /api/sessions"), "nothing was tried that cannot be");
  }));

test("how the interviewer did is counted, and each turn can be looked up", () =>
  on("/sessions/older/scorecard", async (page) => {
    await page.getByText("How the interviewer did").click();
    await page.getByText("2 turns were spare questions").waitFor();
    await page.locator(".quality").getByRole("button", { name: "turn 4" }).first().click();
    await page.locator(".line.lit").getByText("turn 4").waitFor();
  }));

test("my weakest dimension is a choice of the problem, found by its name too, and leads to something concrete", () =>
  on("/", async (page, mock) => {
    await page.getByRole("combobox").click();
    await page.getByRole("option", { name: /^My weakest dimension/ }).waitFor();
    await page.getByRole("combobox").fill("weakest");
    assert.equal(await page.getByRole("option").count(), 1);
    await page.keyboard.press("Enter");
    await page.getByText("To practise: Pragmatism").waitFor();
    for (const session of mock.state.sessions.values()) session.overall = null;
    await page.goto(`${mock.url}/#/models`);
    await page.goto(`${mock.url}/#/`);
    await page.getByRole("combobox").click();
    await page.getByRole("option", { name: /^Surprise me/ }).waitFor();
    await page.waitForLoadState("networkidle");
    assert.equal(await page.getByRole("option", { name: /weakest/ }).count(), 0, "without scores there is none");
  }));

test("a search begins anew, also where one was left or a problem was chosen", () =>
  on("/", async (page) => {
    const box = page.getByRole("combobox");
    await page.waitForLoadState("networkidle");
    await page.keyboard.press("/");
    await page.keyboard.type("storage");
    await page.keyboard.press("Escape");
    assert.equal(await box.inputValue(), "Surprise me");
    await page.keyboard.type("payments staff");
    assert.equal(await page.getByRole("option").count(), 1);
    await page.keyboard.press("Enter");
    assert.equal(await box.inputValue(), "Money that must not get lost");
    await page.keyboard.press("/");
    await page.keyboard.type("warm-up");
    assert.equal(await box.inputValue(), "warm-up");
    assert.equal(await page.getByRole("option").count(), 1);
  }));

test("a proposal waits for its problem to be known", () =>
  on("/for/pragmatism/ledger", async (page) => {
    await page.waitForFunction(() => (document.querySelector("[role=combobox]") ?? { value: "Surprise me" }).value !== "Surprise me");
  }));

test("the interviewer's notes stand under the answers they are about, when they are asked for", () =>
  on("/sessions/older/scorecard", async (page) => {
    const note = page.getByRole("complementary", { name: "The interviewer’s note on turn 3" });
    await page.getByRole("button", { name: "Interviewer’s notes" }).waitFor();
    assert.equal(await note.count(), 0, "not before");
    await page.getByRole("button", { name: "Interviewer’s notes", pressed: false }).click();
    await note.waitFor();
    const told = (await note.innerText()).replaceAll(/\s+/g, " ");
    for (const part of ["Covered how a repeated send is recognised", "the sender stores the id before it calls the provider", "Not heard what happens when the id is stored", "Against Parts before a number", "Does not fit “how late may one be” (turn 1) and “accept loss”", "Asked next one path end to end", "Why one path end to end has not been walked yet", "Held back retries that come all at once", "Worded the model's own words, after every check"]) assert.ok(told.includes(part), `${part} in ${told}`);
    assert.ok(await note.evaluate((element) => element.closest("article")?.textContent?.includes("at-least-once")), "under its own answer");
    await page.getByRole("button", { name: "Interviewer’s notes", pressed: true }).click();
    await page.waitForFunction(() => getComputedStyle(/** @type {Element} */ (document.querySelector(".turn-note"))).display === "none");
    assert.equal(await note.count(), 0);
  }));

test("the start page says what the model needs and how fast it was here", () =>
  on("/", async (page) => {
    await page.locator(".model-line").getByText(/1\.9 GB of memory · reads 212, writes 9\.3 tokens a second here/).waitFor();
  }));

test("the privacy page says plainly whether what is stored is encrypted", async () => {
  for (const [encrypted, says] of /** @type {[boolean | undefined, RegExp][]} */ ([[undefined, /^No\. .*disk encryption/], [false, /^No\. /], [true, /^Yes, with your passphrase/]])) {
    const mock = await startMock({ status: { ...canned.status, encrypted } });
    const opened = await openPage(browser);
    try {
      await opened.page.goto(`${mock.url}/#/privacy`);
      await opened.page.locator("dt", { hasText: "Encrypted on disk" }).locator("xpath=following-sibling::dd").filter({ hasText: says }).waitFor();
      await opened.close();
    } finally {
      await mock.close();
    }
  }
});

test("a server that the interviewer or the judge runs on is named before, in the room, on the scorecard and on the privacy page", async () => {
  const hosts = "models.example.com";
  const sessions = canned.sessions().map((session) => ({ ...session, leaves_for: hosts }));
  const scorecard = { ...canned.scorecard, provenance: { ...canned.scorecard.provenance, leaves_for: hosts } };
  const mock = await startMock({ status: { ...canned.status, leaves_for: hosts }, sessions, scorecard });
  const opened = await openPage(browser);
  try {
    for (const [path, says] of [
      ["/", "What you say will leave this program for models.example.com."],
      ["/sessions/active", "What is said here leaves this program for models.example.com."],
      ["/sessions/older/scorecard", "This was graded elsewhere: the transcript left this program for models.example.com."],
      ["/sessions/paused/scorecard", "What is said or graded goes elsewhere: the transcript leaves this program for models.example.com."],
      ["/privacy", "Answers and questions go to models.example.com."],
    ]) {
      await opened.page.goto(`${mock.url}/#${path}`);
      await opened.page.locator("p", { hasText: says }).first().waitFor();
    }
    const words = await opened.page.locator("main").innerText();
    assert.ok(!words.includes("Nothing you type or say leaves this machine"), "no promise that is not kept");
    await opened.page.goto(`${mock.url}/#/`);
    await opened.page.getByText("will leave this program").waitFor();
    assert.ok(!(await opened.page.locator("main").innerText()).includes("It all runs on this machine"));
    await opened.close();
  } finally {
    await mock.close();
  }
});

test("without one nothing of the kind is said", () =>
  on("/sessions/active", async (page) => {
    await page.locator("#answer").waitFor();
    assert.equal(await page.locator(".leaves").count(), 0);
  }));

test("beside each model stands how well its grades were found to agree, or that nobody measured it", () =>
  on("/models", async (page) => {
    const row = (/** @type {string} */ name) => page.getByRole("listitem").filter({ hasText: name });
    await row("Qwen2.5 Coder 1.5B").getByText("Agreement with people’s marks: 0.47 [0.38, 0.54] on 359 levels of 72 written interviews").waitFor();
    for (const name of ["SmolLM2 135M", "Qwen2.5 Coder 0.5B", "Qwen3 8B"]) await row(name).getByText("Agreement with people’s marks: not measured").waitFor();
  }));
