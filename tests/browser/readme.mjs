// Takes the README's pictures from a whole interview with the real program and the real model.
//   node tests/browser/readme.mjs [start]      needs Chromium, the built program and the default model; `start`: that page only

import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { problems, rounds } from "./answers.mjs";
import { launch } from "./browser.mjs";
import { serve } from "./server.mjs";

const model = process.env.OFFRECORD_TEST_MODEL ?? "qwen2.5-coder-1.5b-instruct-q4_k_m";
const models = process.env.OFFRECORD_MODELS_DIR ?? join(process.env.XDG_DATA_HOME ?? join(homedir(), ".local/share"), "offrecord/models");
const folder = fileURLToPath(new URL("../../docs/pictures/", import.meta.url));
mkdirSync(folder, { recursive: true });

const program = await serve({ model, env: { OFFRECORD_MODELS_DIR: models } });
const browser = await launch();
try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1.5, colorScheme: "light" });
  await context.addInitScript(() => localStorage.setItem("offrecord.toured", "yes"));
  const page = await context.newPage();
  page.setDefaultTimeout(600_000);
  const picture = async (/** @type {string} */ name) => {
    for (const [colorScheme, ending] of /** @type {const} */ ([["dark", "-dark"], ["light", ""]])) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(200);
      await page.screenshot({ path: join(folder, `${name}${ending}.png`) });
    }
  };
  await page.goto(program.link);
  await page.getByText(/, ready/).waitFor();
  await page.getByRole("combobox").fill(problems["System design"]);
  await page.getByRole("option").first().click();
  await page.locator("h1").click();
  await picture("start");
  if (process.argv[2] !== "start") await interview(page, picture);
} finally {
  await browser.close();
  await program.close();
}

/** @param {import("playwright-core").Page} page @param {(name: string) => Promise<void>} picture */
async function interview(page, picture) {
  await page.getByRole("button", { name: /Start interview/ }).click();
  await page.locator(".turn.interviewer").first().waitFor();
  for (const [index, text] of rounds["System design"].entries()) {
    await page.locator("#answer").fill(text);
    await page.keyboard.press("Control+Enter");
    await page.locator(".turn.interviewer:not(.streaming)").nth(index + 1).waitFor();
    if (index === 2) {
      await page.locator("#answer").fill("Calls in flight. 12,000 changes a second, 1.6 addresses each, 0.3 s a call: about 5,800 at peak. The slow ones hold far more, so I would keep them apart");
      await picture("room");
    }
  }
  await page.keyboard.press("Alt+f");
  await page.getByRole("button", { name: "Finish and grade" }).click();
  await page.getByRole("heading", { name: "Next time" }).waitFor();
  await page.locator(".dimension:not(.unscored) summary").first().click();
  await page.locator(".quote").first().click();
  await page.evaluate(() => scrollTo(0, 0));
  await page.mouse.move(0, 0);
  await picture("scorecard");
}
