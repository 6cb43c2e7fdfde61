// The main path with the real model: six turns in each round, a reload in mid-stream, the scorecard, history, export.
// Takes minutes. Pictures are kept under artefacts/real for a person to look at.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch } from "./browser.mjs";
import { openPage } from "./page.mjs";
import { serve } from "./server.mjs";

const model = process.env.OFFRECORD_TEST_MODEL ?? "qwen2.5-coder-1.5b-instruct-q4_k_m";
const models = process.env.OFFRECORD_MODELS_DIR ?? join(process.env.XDG_DATA_HOME ?? join(homedir(), ".local/share"), "offrecord/models");
const folder = fileURLToPath(new URL("./artefacts/real/", import.meta.url));
const patience = 300_000;

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  assert.ok(existsSync(join(models, `${model}.gguf`)), `the model ${model} is not installed in ${models} (run: offrecord pull ${model})`);
  mkdirSync(folder, { recursive: true });
  browser = await launch();
});
after(() => browser?.close());

const rounds = {
  "System design": [
    "Before I draw anything: how many changes a second at peak, and how late may a customer hear of one? I assume a lost change is worse than a doubled one.",
    "At 12,000 a second and 0.3 seconds a call I get about 3,600 calls in flight, so the senders must not wait for one another and a slow receiver must not hold up the rest.",
    "The order service writes the change and an outbox row in one transaction. A relay reads the outbox and puts each delivery into a durable queue per customer. Senders take from the queues in turn, with a limit of calls in flight per address.",
    "If a receiver is down the delivery is tried again after 10 seconds, a minute, five minutes, with jitter, for 72 hours. I chose at-least-once instead of exactly-once, because a receiver can drop an id it knows, and a lost change cannot be found again.",
    "The first graph I look at is the age of the oldest delivery that was not tried. I would page on that, roll out by customer behind a flag, and roll back by switching the flag off.",
    "I could have built a feed that customers read with a cursor. It is cheaper and ordered, but the customers asked not to have to ask. I would keep it for catching up.",
  ],
  Behavioural: [
    "Two years ago I was on call when the checkout of our shop failed for 40 minutes on a Friday evening. I was the engineer who had merged the change that caused it, a new time-out in the payment client.",
    "I rolled back within 12 minutes of the first alert, but the retries of the clients kept the payment service down for another 28 minutes, because I had not thought of what all the retries would do at once.",
    "I told the head of support first, then wrote to all of engineering the same night that it was my change and what I knew so far. About 3,100 orders were not placed.",
    "I decided against adding another alert. Instead I wrote a load test that turns the payment service off for ten minutes, and I put a budget on retries into the shared client. Two teams objected that it would hide errors, and I conceded a counter that shows dropped retries.",
    "Since then the same failure happened once, in March, and the shop recovered in under a minute. The test runs every night, and another team owns it now.",
    "I would ask for a second reader on any change to a time-out. I do that today, and I have turned down one of my own changes because of it.",
  ],
};

for (const [round, answers] of Object.entries(rounds)) {
  test(`${round} with ${model}`, { timeout: 1_500_000 }, async () => {
    const program = await serve({ model, env: { OFFRECORD_MODELS_DIR: models } });
    const opened = await openPage(browser, { acceptDownloads: true });
    const { page } = opened;
    const picture = (/** @type {string} */ name) => page.screenshot({ path: join(folder, `${round.toLowerCase().replace(" ", "-")}-${name}.png`), fullPage: !name.startsWith("room") });
    try {
      await page.goto(program.link);
      await page.getByRole("radio", { name: round }).check();
      await page.getByText(/, ready/).waitFor({ timeout: patience });
      await picture("start");
      await page.keyboard.press("Enter");
      await page.locator(".turn.interviewer").first().waitFor({ timeout: patience });
      const begun = Date.now();
      for (const [index, text] of answers.entries()) {
        await page.locator("#answer").fill(text);
        await page.keyboard.press("Control+Enter");
        if (index === 1) {
          await page.locator(".streaming .said:not(:empty)").waitFor({ timeout: patience });
          await picture("room-writing");
          await page.reload();
          await page.locator(".turn.candidate").nth(1).waitFor();
          await picture("room-reloaded");
        }
        await page.locator(".turn.interviewer:not(.streaming)").nth(index + 1).waitFor({ timeout: patience });
      }
      const talked = Date.now() - begun;
      assert.equal(await page.locator(".turn").count(), 2 * answers.length + 1, "the reload made no second reply");
      await picture("room");
      await page.keyboard.press("Alt+f");
      await page.getByRole("button", { name: "Finish and grade" }).click();
      await page.getByText(/\d of 6 dimensions/).waitFor({ timeout: patience });
      await picture("scorecard-grading");
      const graded = Date.now();
      await page.getByRole("heading", { name: "Next time" }).waitFor({ timeout: 2 * patience });
      console.log(`${round}: six replies in ${(talked / 1000).toFixed(0)} s, grading in ${((Date.now() - graded) / 1000).toFixed(0)} s`);
      await picture("scorecard");

      for (const summary of await page.locator(".dimension > summary").all()) await summary.click();
      const quotes = page.locator(".quote");
      assert.ok((await quotes.count()) >= 2, "there is evidence");
      for (let index = 0; index < (await quotes.count()); index += 1) {
        const said = (await quotes.nth(index).locator(".quote-text").textContent())?.slice(1, -1);
        await quotes.nth(index).click();
        assert.equal(await page.locator("mark").textContent(), said);
      }
      await picture("scorecard-opened");
      for (const format of ["Markdown", "JSON", "HTML"]) {
        const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: format }).click()]);
        assert.ok(readFileSync(await download.path(), "utf8").includes(answers[0].slice(0, 30)), `${format} holds what was said`);
      }
      await page.getByRole("link", { name: "History" }).click();
      await page.locator(".row").waitFor();
      await picture("history");
      await opened.close();
    } finally {
      await opened.context.close();
      await program.close();
    }
  });
}
