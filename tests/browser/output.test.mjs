// What leaves the page: files without names, paper; and the check of the machine before an interview.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { startMock } from "./mock.mjs";
import { openPage } from "./page.mjs";
import { serve } from "./server.mjs";
import { readFileSync } from "node:fs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => (browser = await launch(["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"])));
after(() => browser.close());

/** @param {string} path @param {(page: import("playwright-core").Page, mock: any) => Promise<void>} act @param {any} [options] */
async function on(path, act, options) {
  const mock = await startMock();
  const opened = await openPage(browser, options);
  try {
    const session = mock.state.sessions.get("older");
    session.turns[5].text += " Our lead, Priya Nair of Acme, agreed; Kafka was there already, and Priya Nair’s team ran it.";
    await opened.page.goto(`${mock.url}/#${path}`);
    await opened.page.locator("h1").waitFor();
    await act(opened.page, mock);
    await opened.close();
  } finally {
    await mock.close();
  }
}

test("names are proposed, looked through and taken out", () =>
  on("/sessions/older/scorecard", async (page, mock) => {
    await page.getByRole("button", { name: "Without names" }).click();
    const list = page.getByRole("dialog").getByRole("textbox");
    const proposed = (await list.inputValue()).split("\n");
    assert.ok(proposed.includes("Priya Nair") && proposed.includes("Acme"), proposed.join(", "));
    assert.ok(!proposed.includes("Kafka"), "what everyone uses is no name");
    await list.fill("Priya Nair\n\n  Acme  ");
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Markdown without names" }).click()]);
    assert.equal(file.suggestedFilename(), "offrecord.md");
    assert.deepEqual(mock.state.exported, { format: "md", names: ["Priya Nair", "Acme"] });
  }, { acceptDownloads: true }));

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`the scorecard prints whole and clean, ${colorScheme}`, () =>
    on("/sessions/older/scorecard", async (page) => {
      await page.getByRole("button", { name: "Dispute" }).waitFor();
      const pdf = await page.pdf({ format: "A4" });
      assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
      const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
      assert.ok(pages >= 2 && pages <= 9, `${pages} pages`);
      await page.emulateMedia({ media: "print" });
      await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
      assert.equal(await page.getByText("one path end to end has not been walked yet").isVisible(), true, "the interviewer’s notes are on paper");
      for (const gone of ["Dispute", "Grade again", "Without names…", "Print"]) assert.equal(await page.getByText(gone, { exact: true }).isVisible(), false, gone);
      assert.equal(await page.getByRole("navigation").count(), 0);
      assert.equal(await page.getByText("Write the run-book line for the dead-letter queue.").isVisible(), true, "what is folded is open");
      const [ink, paper] = await page.evaluate(() => [getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]);
      assert.equal(ink, "rgb(29, 30, 32)");
      assert.match(paper, /rgba\(0, 0, 0, 0\)/);
      await page.evaluate(() => dispatchEvent(new Event("afterprint")));
      await page.emulateMedia({ media: "screen" });
      assert.equal(await page.getByText("Write the run-book line for the dead-letter queue.").isVisible(), false, "afterwards it is folded again");
    }, { colorScheme }));
}

test("the machine is checked: model, speaker, microphone, camera", () =>
  on("/", async (page, mock) => {
    await page.getByRole("button", { name: "check" }).click();
    mock.state.slow = true;
    await page.getByRole("button", { name: "Measure: Model" }).click();
    await page.getByText("still being loaded").waitFor();
    mock.state.slow = false;
    await page.getByRole("button", { name: "Measure: Model" }).click();
    await page.getByRole("dialog").getByText("reads 212, writes 9.3 tokens a second").waitFor();
    await page.getByRole("button", { name: "Play: Speaker" }).click();
    await page.getByText("did you hear it?").waitFor();
    await page.getByRole("button", { name: "Listen: Microphone" }).click();
    await page.getByRole("meter", { name: "Loudness" }).waitFor();
    await page.getByRole("button", { name: "Look: Camera" }).click();
    await page.waitForFunction(() => (document.querySelector("video")?.videoWidth ?? 0) > 0);
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }));

test("what is not there or not allowed is said", async () => {
  const plain = await launch();
  const mock = await startMock();
  const opened = await openPage(plain);
  try {
    await opened.page.goto(mock.url);
    await opened.page.getByRole("button", { name: "check" }).click();
    await opened.page.getByRole("button", { name: "Look: Camera" }).click();
    await opened.page.getByText(/none was found|not allowed/).waitFor();
    await opened.close();
  } finally {
    await plain.close();
    await mock.close();
  }
});

test("with the real program the names are gone from the file", async () => {
  const program = await serve();
  const opened = await openPage(browser, { acceptDownloads: true });
  const { page } = opened;
  try {
    await page.goto(program.link);
    await page.getByText(/ready/).waitFor();
    await page.getByRole("button", { name: "check" }).click();
    await page.getByRole("button", { name: "Measure: Model" }).click();
    await page.getByRole("dialog").getByText("tokens a second").waitFor();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: /Start interview/ }).click();
    await page.locator(".turn.interviewer").first().waitFor();
    await page.locator("#answer").fill("I asked our lead, Priya Nair, how many there are each day; she said ten million, so I would append each scan to a log.");
    await page.keyboard.press("Control+Enter");
    await page.locator(".turn.interviewer:not(.streaming)").nth(1).waitFor();
    await page.getByRole("button", { name: "Finish" }).click();
    await page.getByRole("button", { name: "Finish and grade" }).click();
    await page.getByRole("button", { name: "Without names" }).click({ timeout: 60_000 });
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "HTML without names" }).click()]);
    const text = readFileSync(await file.path(), "utf8");
    assert.ok(text.includes("[name 1]") && !text.includes("Priya"), "the name is out");
    await opened.close();
  } finally {
    await opened.context.close();
    await program.close();
  }
});
