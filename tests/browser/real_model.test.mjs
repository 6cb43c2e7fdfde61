// The main path with the real model: six turns in each round, a reload in mid-stream, the scorecard, history, export.
// Takes minutes. Pictures are kept under artefacts/real for a person to look at.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { problems, rounds } from "./answers.mjs";
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
      await page.getByRole("combobox").fill(problems[round]);
      await page.getByRole("option").first().click();
      await picture("start");
      await page.getByRole("button", { name: /Start interview/ }).click();
      await page.locator(".turn.interviewer").first().waitFor({ timeout: patience });
      const begun = Date.now();
      for (const [index, text] of answers.entries()) {
        await page.locator("#answer").fill(text);
        await page.keyboard.press("Control+Enter");
        if (index === 1) {
          await page.locator(".turn.candidate").nth(1).waitFor({ timeout: patience });
          await picture("room-replying");
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
