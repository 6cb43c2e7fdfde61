// What a screen reader is told: roles and names of each page, against stored snapshots.
//   UPDATE=1 node --test names.test.mjs      writes them anew, for a person to read in the diff

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch } from "./browser.mjs";
import * as canned from "./canned.mjs";
import { startMock } from "./mock.mjs";
import { openPage } from "./page.mjs";

const folder = fileURLToPath(new URL("./snapshots/", import.meta.url));
mkdirSync(folder, { recursive: true });

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const pages = /** @type {Record<string, [string, ((page: any) => Promise<any>)?]>} */ ({
  start: ["/"],
  room: ["/sessions/active"],
  review: ["/sessions/review"],
  paused: ["/sessions/paused"],
  "hint-dialog": ["/sessions/active", async (page) => { await page.keyboard.press("Alt+h"); await page.getByRole("dialog").waitFor(); }],
  scorecard: ["/sessions/older/scorecard", (page) => page.locator(".dimension summary").first().click()],
  "interviewer-notes": ["/sessions/older/scorecard", (page) => page.getByRole("button", { name: "Interviewer’s notes" }).click()],
  "speech-settings": ["/sessions/active", async (page) => { await page.getByRole("button", { name: "Speech and camera" }).click(); await page.getByRole("checkbox", { name: /^Read the interviewer/ }).check(); await page.getByRole("combobox", { name: "Voice" }).waitFor(); }],
  finished: ["/sessions/older"],
  progress: ["/progress"],
  benchmarks: ["/benchmarks"],
  history: ["/history"],
  models: ["/models"],
  privacy: ["/privacy"],
});

for (const [name, [path, act]] of Object.entries(pages)) {
  test(`roles and names: ${name}`, async () => {
    const mock = await startMock({ models: structuredClone(canned.models) });
    const opened = await openPage(browser, { timezoneId: "UTC" });
    try {
      // Plans speak of today.
      await opened.page.clock.setFixedTime(new Date("2026-11-24T12:00:00Z"));
      await opened.page.goto(`${mock.url}/#${path}`);
      await opened.page.locator("h1").waitFor();
      // All that a page asks for has come: a snapshot of half a page would depend on the machine.
      await opened.page.waitForLoadState("networkidle");
      await act?.(opened.page);
      const seen = (await opened.page.locator("body").ariaSnapshot()).replaceAll(/\b\d{1,2}:\d\d\b/g, "M:SS") + "\n";
      const file = `${folder}${name}.yml`;
      if (process.env.UPDATE || !existsSync(file)) {
        assert.ok(process.env.UPDATE, `there is no snapshot ${name}.yml: run UPDATE=1 node --test names.test.mjs and read the diff`);
        writeFileSync(file, seen);
      }
      assert.equal(seen, readFileSync(file, "utf8"));
      await opened.close();
    } finally {
      await opened.context.close();
      await mock.close();
    }
  });
}
