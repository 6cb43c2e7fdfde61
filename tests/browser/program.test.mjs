// The real program with a script for a model: the way in, a whole interview of each round, history, export, a crash.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { problems, rounds } from "./answers.mjs";
import { launch } from "./browser.mjs";
import { openPage } from "./page.mjs";
import { serve } from "./server.mjs";
import { full, tried } from "./tally.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const answers = rounds["System design"];

/** @param {import("playwright-core").Page} page @param {string} text @param {number} patience */
export async function answer(page, text, patience = 60_000) {
  const before = await page.locator(".turn.interviewer:not(.streaming)").count();
  await page.locator("#answer").fill(text);
  await page.keyboard.press("Control+Enter");
  await page.locator(".turn.interviewer:not(.streaming)").nth(before).waitFor({ timeout: patience });
}

/** Starts an interview whose problem is known: chance must not decide what a test sees. @param {import("playwright-core").Page} page @param {string} [round] */
async function begin(page, round = "System design") {
  await page.locator(".model-line").getByText(/, ready/).waitFor();
  await page.getByRole("radio", { name: round }).check();
  await page.getByRole("combobox").fill(problems[round]);
  await page.getByRole("option").first().click();
  await page.getByRole("button", { name: /Start interview/ }).click();
  await page.locator(".turn.interviewer").first().waitFor();
}

for (const round of Object.keys(rounds)) {
  test(`a whole ${round.toLowerCase()} interview, its scorecard, history, export, deletion`, async () => {
    const program = await serve();
    const opened = await openPage(browser, { acceptDownloads: true });
    const { page } = opened;
    try {
      await page.goto(program.link);
      await begin(page, round);
      const title = await page.locator("h1").textContent();
      for (const text of answers) await answer(page, text);
      await page.reload();
      await page.locator(".turn.candidate").nth(5).waitFor();
      assert.equal(await page.locator(".turn").count(), 13);
      await page.getByRole("button", { name: "Finish" }).click();
      await page.getByRole("button", { name: "Finish and grade" }).click();
      await page.getByRole("heading", { name: "Next time" }).waitFor({ timeout: 60_000 });
      assert.equal(await page.locator(".dimension").count(), 6);

      for (const summary of await page.locator(".dimension > summary").all()) await summary.click();
      const quotes = page.locator(".quote");
      for (let index = 0; index < (await quotes.count()); index += 1) {
        const said = (await quotes.nth(index).locator(".quote-text").textContent())?.slice(1, -1);
        await quotes.nth(index).click();
        assert.equal(await page.locator("mark").textContent(), said, "a quotation is what the turn says");
      }

      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Markdown" }).click()]);
      assert.match(readFileSync(await download.path(), "utf8"), /oldest delivery that was not tried/);

      await page.getByRole("link", { name: "History" }).click();
      await page.locator(".row", { hasText: title ?? "" }).waitFor();
      await page.getByRole("button", { name: /^Delete/ }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
      await page.getByText("No interview yet").waitFor();
      await opened.close();
    } finally {
      await opened.context.close();
      await program.close();
    }
  });
}

test("the one-time link works once, and the page says what to do without it", async () => {
  const program = await serve();
  const opened = await openPage(browser);
  try {
    await opened.page.goto(program.link);
    await opened.page.getByRole("button", { name: /Start interview/ }).waitFor();
    const stranger = await browser.newContext();
    const page = await stranger.newPage();
    await page.goto(program.link);
    await page.getByText("used before").waitFor();
    await page.goto(`${program.url}/#/history`);
    await page.getByText("not signed in").waitFor();
    await page.getByText("one-time link").waitFor();
    await stranger.close();
    await opened.close();
  } finally {
    await opened.context.close();
    await program.close();
  }
});

/** Numbers from 0 to 1, the same in every run. @param {number} seed */
function dice(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Waits until a locator has so many elements. @param {import("playwright-core").Locator} locator @param {number} count */
async function counted(locator, count) {
  await locator.nth(count - 1).waitFor();
  assert.equal(await locator.count(), count);
}

/** Answers in one interview before the next is begun: fewer than any round asks for. */
const inOneInterview = 5;

test("two tabs: the slower writer keeps its draft", async () => {
  const many = full ? 20 : 3;
  for (let done = 0; done < many; ) {
    const program = await serve();
    const opened = await openPage(browser);
    const { page, context } = opened;
    try {
      await page.goto(program.link);
      await begin(page);
      const second = await context.newPage();
      // The second tab is deaf, as one in another browser would be.
      await second.addInitScript(() => Object.assign(window, { BroadcastChannel: class { postMessage() {} close() {} } }));
      await second.goto(page.url());
      for (let n = 0; n < inOneInterview && done < many; n += 1, done += 1) {
        const draft = `${answers[n + 1]} (typed meanwhile, ${n})`;
        await second.locator("#answer").fill(draft);
        await answer(page, answers[n]);
        await second.locator("#answer").focus();
        await second.keyboard.press("Control+Enter");
        await counted(second.locator(".turn:not(.streaming)"), 3 + 2 * n);
        await second.getByText("moved on in another window").waitFor();
        assert.equal(await second.locator("#answer").inputValue(), draft);
        assert.equal(await second.locator(".turn", { hasText: "typed meanwhile" }).count(), 0);
      }
      await opened.close();
    } finally {
      await opened.context.close();
      await program.close();
    }
  }
  tried("D4", "two tabs in Chromium", many);
});

test("a reload in the middle of a reply: it is told on from its beginning, once, and nothing is worded twice", async () => {
  const many = full ? 20 : 3;
  const random = dice(20);
  let inTheMiddle = 0;
  for (let done = 0; done < many; ) {
    const program = await serve();
    const opened = await openPage(browser);
    const { page } = opened;
    try {
      await page.goto(program.link);
      await begin(page);
      const id = new URL(page.url()).hash.split("/").pop();
      const network = await opened.context.newCDPSession(page);
      /** @param {number} bytes a second, or -1 */
      const at = (bytes) => network.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: bytes, uploadThroughput: -1 });
      await network.send("Network.enable");
      for (let n = 0; n < inOneInterview && done < many; n += 1, done += 1) {
        // The first reply of each interview comes slowly, and is seen to come before the reload; the others at any moment.
        if (n === 0) await at(400);
        await page.locator("#answer").fill(answers[n]);
        await page.keyboard.press("Control+Enter");
        await page.locator(".turn.candidate").nth(n).waitFor();
        if (n === 0) await page.locator(".turn.streaming").waitFor();
        else await page.waitForTimeout(Math.floor(random() * 350));
        inTheMiddle += await page.locator(".turn.streaming").count();
        await at(-1);
        await page.reload();
        await counted(page.locator(".turn.interviewer:not(.streaming)"), n + 2);
        assert.equal(await page.locator(".turn.streaming").count(), 0);
        const headers = { Authorization: `Bearer ${program.token}` };
        const stored = await (await fetch(`${program.url}/api/sessions/${id}`, { headers })).json();
        assert.equal(stored.turns.length, 3 + 2 * n, "each answer has one reply");
        /** @param {string | null} text */
        const plain = (text) => (text ?? "").replace(/\s+/g, " ").trim();
        const shown = await page.locator(".turn.interviewer").nth(n + 1).textContent();
        assert.ok(plain(shown).includes(plain(stored.turns.at(-1).text)), `${shown} is not ${stored.turns.at(-1).text}`);
      }
      await opened.close();
    } finally {
      await opened.context.close();
      await program.close();
    }
  }
  assert.ok(inTheMiddle > 0, "no reload came in the middle of a reply");
  tried("D20", "reloads in the middle of a reply in Chromium", many);
});

test("the program is killed and started again: nothing acknowledged is lost, the draft is kept", async () => {
  const program = await serve();
  const opened = await openPage(browser);
  const { page } = opened;
  try {
    await page.goto(program.link);
    await begin(page);
    await answer(page, answers[0]);
    await page.locator("#answer").fill("what I was typing");
    await program.kill("SIGKILL");
    await page.evaluate(() => dispatchEvent(new Event("online")));
    await page.getByText("offrecord does not answer").waitFor();
    const again = await serve({ data: program.data, port: Number(new URL(program.url).port) });
    try {
      await page.getByText("not signed in").waitFor();
      const room = page.url();
      const second = await opened.context.newPage();
      await second.goto(again.link);
      await second.close();
      await page.getByRole("button", { name: "Try again" }).click();
      await page.getByText("not signed in").waitFor({ state: "detached" });
      assert.equal(page.url(), room);
      assert.equal(await page.locator("#answer").inputValue(), "what I was typing");
      assert.equal(await page.locator(".turn").count(), 3);
      await answer(page, answers[1]);
      tried("D1", "SIGKILL under a page in Chromium", 1);
      await opened.close();
    } finally {
      await again.close();
    }
  } finally {
    await opened.context.close();
  }
});
