// The progress page in Chromium: attempts compared, coverage, a proposal that leads to its interview, no invented point.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { startMock } from "./mock.mjs";
import { openPage } from "./page.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("attempts at one problem stand side by side, with their spread; the proposal leads to its interview", async () => {
  const mock = await startMock();
  const older = mock.state.sessions.get("older");
  mock.state.sessions.set("again", { ...structuredClone(older), id: "again", created_at: "2026-11-20T18:20:00Z", scorecards: [1], title: "Messages <b>again</b>" });
  const better = structuredClone(mock.state.scorecard);
  better.dimensions[0].score = 4.1;
  better.dimensions[3] = { ...better.dimensions[3], status: "not_assessed", score: null, spread: null };
  mock.state.cards.set("again/1", better);
  const opened = await openPage(browser);
  const { page } = opened;
  try {
    await page.goto(`${mock.url}/#/progress`);
    const table = page.getByRole("region", { name: /^Attempts at/ });
    const row = (/** @type {string} */ name) => table.getByRole("row", { name: new RegExp(name) });
    await row("Technical").getByText("4.1").waitFor();
    assert.match((await row("Technical").textContent()) ?? "", /3\.6 ± 0\.2.*4\.1 ± 0\.2/);
    assert.match((await row("Pragmatism").textContent()) ?? "", /2\.4 ± 0\.7–/, "not assessed is no number");
    await page.getByText("Competencies: 1 of 4").click();
    await page.getByText("Debt against shipping").first().waitFor();
    const first = page.locator(".due a").first();
    const topic = (await page.locator(".due li strong").first().textContent()) ?? "";
    await first.click();
    // The topic is chosen once the list of problems has come.
    await page.waitForFunction(() => (document.querySelector("[role=combobox]") ?? { value: "Surprise me" }).value !== "Surprise me");
    assert.equal(await page.getByRole("combobox").inputValue(), topic, "the topic is chosen");
    await page.goto(`${mock.url}/#/for/leadership/no-such-topic`);
    await page.getByRole("button", { name: /Start interview/ }).waitFor();
    await opened.close();
  } finally {
    await opened.context.close();
    await mock.close();
  }
});
