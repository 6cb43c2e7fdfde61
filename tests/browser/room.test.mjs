// The room against canned data: drafts, conflicts, streams that break and come back.

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

/** @param {string} name @param {string} path @param {(around: any) => Promise<void>} body @param {object} [options] */
function inRoom(name, path, body, options) {
  test(name, async () => {
    const mock = await startMock(options);
    const opened = await openPage(browser);
    try {
      await opened.page.goto(`${mock.url}/#${path}`);
      await body({ ...opened, mock });
      await opened.close();
    } finally {
      await opened.context.close();
      await mock.close();
    }
  });
}

inRoom("an answer is sent with Ctrl+Enter, streamed, and the draft goes only then", "/sessions/active", async ({ page, mock }) => {
  await page.locator("#answer").fill("First I would bound the retries.");
  await page.keyboard.press("Control+Enter");
  await page.locator(".turn.candidate", { hasText: "bound the retries" }).waitFor();
  await page.locator(".turn.interviewer:not(.streaming)", { hasText: "halved" }).waitFor();
  assert.equal(await page.locator("#answer").inputValue(), "");
  assert.equal(await page.evaluate(() => localStorage.getItem("offrecord.draft.active")), null);
  assert.equal(mock.state.sessions.get("active").turns.at(-2).text, "First I would bound the retries.");
});

for (const encrypted of [true, false]) {
  test(`what is typed and drawn ${encrypted ? "never lies on the disk where sessions are encrypted" : "goes from this browser with its session"}`, async () => {
    const mock = await startMock({ status: { ...canned.status, encrypted } });
    const opened = await openPage(browser);
    const { page } = opened;
    try {
      await page.addInitScript(() => {
        if (sessionStorage.length > 0) return;
        sessionStorage.setItem("once", "yes");
        for (const key of ["draft.active", "board.active", "draft.gone", "board.gone"]) localStorage.setItem(`offrecord.${key}`, "{}");
      });
      await page.goto(`${mock.url}/#/sessions/active`);
      await page.locator("#answer").fill("half a thought");
      const keys = () => page.evaluate(() => Object.keys(localStorage).filter((key) => /draft|board/.test(key)).sort());
      const wanted = encrypted ? [] : ["offrecord.board.active", "offrecord.draft.active"];
      for (let tries = 0; tries < 500 && (await keys()).join() !== wanted.join(); tries += 1) await page.waitForTimeout(20);
      assert.deepEqual(await keys(), wanted);
      for (let tries = 0; tries < 1000 && mock.state.drafts.at(-1) !== "half a thought"; tries += 1) await page.waitForTimeout(20);
      assert.deepEqual(await keys(), wanted);
      await opened.close();
    } finally {
      await opened.context.close();
      await mock.close();
    }
  });
}

inRoom("a draft survives a reload and reaches the server", "/sessions/active", async ({ page, mock }) => {
  await page.locator("#answer").pressSequentially("half a thought");
  await page.reload();
  assert.equal(await page.locator("#answer").inputValue(), "half a thought");
  for (let tries = 0; tries < 1000 && mock.state.drafts.at(-1) !== "half a thought"; tries += 1) await page.waitForTimeout(20);
  assert.equal(mock.state.drafts.at(-1), "half a thought");
});

inRoom("a draft that only the server knows is shown", "/sessions/paused", async ({ page }) => {
  await page.locator(".composer").getByRole("button", { name: "Go on" }).click();
  assert.equal(await page.locator("#answer").inputValue(), "It was the Friday before");
});

inRoom("a conflict shows the fresh state and keeps the draft", "/sessions/active", async ({ page, mock }) => {
  await page.locator("#answer").fill("mine");
  const session = mock.state.sessions.get("active");
  session.turns = [...session.turns, { seq: 7, role: "candidate", text: "from the other window" }, { seq: 8, role: "interviewer", text: "And then?" }];
  session.next_seq = 9;
  await page.keyboard.press("Control+Enter");
  await page.getByText("moved on in another window").waitFor();
  await page.locator(".turn", { hasText: "from the other window" }).waitFor();
  assert.equal(await page.locator("#answer").inputValue(), "mine");
  await page.keyboard.press("Control+Enter");
  await page.locator(".turn.candidate", { hasText: "mine" }).waitFor();
});

inRoom("a reload in mid-stream takes the reply up again, once", "/sessions/active", async ({ page, mock }) => {
  mock.state.hold = 6;
  await page.locator("#answer").fill("An answer.");
  await page.keyboard.press("Control+Enter");
  await page.locator(".streaming .said", { hasText: "halved" }).waitFor();
  await page.reload();
  await page.locator(".streaming .said", { hasText: "halved" }).waitFor();
  mock.state.hold = null;
  await page.locator(".turn.interviewer:not(.streaming)", { hasText: "what stays?" }).waitFor();
  assert.equal(await page.locator(".turn").count(), 9);
  assert.equal(mock.state.log.filter((/** @type {string} */ line) => line.endsWith("/turns")).length, 1);
});

inRoom("the program goes away in mid-stream and comes back", "/sessions/active", async ({ page, mock }) => {
  mock.state.hold = 6;
  await page.locator("#answer").fill("An answer.");
  await page.keyboard.press("Control+Enter");
  await page.locator(".streaming .said", { hasText: "halved" }).waitFor();
  await page.locator("#answer").fill("what I was typing");
  mock.state.down = true;
  mock.cut();
  await page.getByText("offrecord does not answer").waitFor();
  mock.state.down = false;
  mock.state.hold = null;
  await page.locator(".turn.interviewer:not(.streaming)", { hasText: "what stays?" }).waitFor();
  assert.equal(await page.getByText("offrecord does not answer").count(), 0);
  assert.equal(await page.locator("#answer").inputValue(), "what I was typing");
});

inRoom("an answer that did not arrive keeps its draft and says so", "/sessions/active", async ({ page, mock }) => {
  await page.locator("#answer").fill("not yet sent");
  mock.state.down = true;
  mock.cut();
  await page.keyboard.press("Control+Enter");
  await page.getByText("offrecord does not answer").waitFor();
  assert.equal(await page.locator("#answer").inputValue(), "not yet sent");
});

inRoom("a reply that failed can be asked for again", "/sessions/answered", async ({ page, mock }) => {
  await page.getByRole("button", { name: "Ask again" }).waitFor();
  mock.state.hold = null;
  await page.getByRole("button", { name: "Ask again" }).click();
  await page.locator(".turn.interviewer", { hasText: "dies between" }).waitFor();
}, { hold: "error" });

inRoom("a hint shows its cost before it is taken", "/sessions/active", async ({ page, mock }) => {
  await page.getByRole("button", { name: "Hint" }).click();
  await page.getByRole("dialog").getByText("worth at most 4").waitFor();
  assert.equal(mock.state.log.some((/** @type {string} */ line) => line.endsWith("/hint")), false);
  await page.getByRole("button", { name: "Take the hint" }).click();
  await page.locator(".hint-taken", { hasText: "when all retries come at once" }).waitFor();
});

inRoom("an answer over 32 KiB is not sent and not lost", "/sessions/active", async ({ page, mock }) => {
  await page.locator("#answer").fill("ü".repeat(17_000));
  await page.getByText("at most 32 are taken").waitFor();
  assert.equal(await page.getByRole("button", { name: /^Send/ }).isDisabled(), true);
  await page.keyboard.press("Control+Enter");
  assert.equal(mock.state.log.some((/** @type {string} */ line) => line.endsWith("/turns")), false);
  await page.reload();
  assert.equal((await page.locator("#answer").inputValue()).length, 17_000);
});

inRoom("finishing asks first, warns of an unsent answer, and leads to the scorecard", "/sessions/active", async ({ page }) => {
  await page.locator("#answer").fill("unsent");
  await page.keyboard.press("Alt+f");
  await page.getByRole("dialog").getByText("has not been sent").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("Alt+f");
  await page.getByRole("button", { name: "Finish and grade" }).click();
  await page.getByRole("heading", { name: "Next time" }).waitFor();
});

inRoom("another tab follows", "/sessions/active", async ({ page, context, mock }) => {
  const second = await context.newPage();
  await second.goto(`${mock.url}/#/sessions/active`);
  await second.locator("#answer").fill("from the second tab");
  await second.keyboard.press("Control+Enter");
  await page.locator(".turn.candidate", { hasText: "from the second tab" }).waitFor();
  await page.locator(".turn.interviewer", { hasText: "what stays?" }).waitFor();
});

inRoom("a paste of ten megabytes is refused in words and the room lives", "/sessions/active", async ({ page, mock }) => {
  await page.locator("#answer").evaluate((/** @type {HTMLTextAreaElement} */ box) => {
    box.value = "lorem ipsum ".repeat(900_000);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await page.getByText("at most 32 are taken").waitFor();
  await page.locator("#answer").fill("short again");
  await page.keyboard.press("Control+Enter");
  await page.locator(".turn.candidate", { hasText: "short again" }).waitFor();
  assert.ok(mock.state.drafts.every((/** @type {string} */ draft) => draft.length < 200_000));
});

inRoom("the talk stays at its end, unless the reader has gone up", "/sessions/long", async ({ page }) => {
  const toEnd = () => page.locator(".transcript").evaluate((/** @type {HTMLElement} */ box) => box.scrollHeight - box.scrollTop - box.clientHeight);
  await page.locator(".turn").nth(199).waitFor();
  await page.waitForFunction(() => {
    const box = /** @type {HTMLElement} */ (document.querySelector(".transcript"));
    return box.scrollHeight - box.scrollTop - box.clientHeight < 8;
  });
  await page.locator(".transcript").evaluate((/** @type {HTMLElement} */ box) => (box.scrollTop -= 900));
  await page.getByRole("button", { name: "To the newest" }).waitFor();
  assert.ok((await toEnd()) > 500);
  await page.locator("#answer").fill("An answer.\n".repeat(30));
  await page.keyboard.press("Control+Enter");
  await page.locator(".turn.interviewer:not(.streaming)", { hasText: "what stays?" }).waitFor();
  await page.getByRole("button", { name: "To the newest" }).waitFor({ state: "detached" });
  await page.waitForFunction(() => {
    const box = /** @type {HTMLElement} */ (document.querySelector(".transcript"));
    return box.scrollHeight - box.scrollTop - box.clientHeight < 8;
  });
});

inRoom("reduced motion is honoured", "/sessions/answered", async ({ page }) => {
  await page.getByText("reading 812 of 1,204").waitFor();
  assert.equal(await page.locator(".pulse").evaluate((/** @type {Element} */ dot) => getComputedStyle(dot).animationName), "none");
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0, "nothing moves");
  const moving = await page.evaluate(() => [...document.querySelectorAll("*")].filter((one) => getComputedStyle(one).transitionDuration !== "0s").map((one) => one.tagName));
  assert.deepEqual(moving, [], "and nothing would");
}, { hold: "prefill" });

for (const [left, word] of /** @type {[number, string][]} */ ([[11, "left"], [9.9, "last 10 minutes"], [2.9, "last 3 minutes"], [-1, "over"]])) {
  const sessions = canned.sessions();
  const active = sessions.find((session) => session.id === "active");
  active.clock.elapsed_ms = active.clock.total_ms - left * 60_000;
  inRoom(`with ${left} minutes left the clock says “${word}”`, "/sessions/active", async ({ page }) => {
    assert.equal(await page.locator(".time .note").textContent(), word);
  }, { sessions });
}

inRoom("a résumé of the wrong type is refused in words", "/", async ({ page, mock }) => {
  await page.locator("summary", { hasText: "Résumé" }).click();
  const drop = (/** @type {[string, string]} */ [name, text]) => page.locator("textarea[name=resume]").evaluate((/** @type {Element} */ box, /** @type {[string, string]} */ [name, text]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([text], name));
    box.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  }, [name, text]);
  await drop(["cv.png", "not a document"]);
  await page.getByText("Only PDF, DOCX, Markdown and text files").waitFor();
  await page.locator("textarea[name=resume]").fill("Ten years of queues.");
  await page.getByText("4 words, kept").waitFor();
  await page.getByRole("button", { name: /Start interview/ }).click();
  await page.locator("#answer").waitFor();
  assert.equal(mock.state.sessions.size, 10);
});

inRoom("what the last reply took of the model is told beside the plan, and only once there was one", "/sessions/active", async ({ page }) => {
  await page.locator("#answer").fill("An answer.");
  assert.equal(await page.locator(".engine-facts").count(), 0);
  await page.keyboard.press("Control+Enter");
  await page.getByText("Last reply: read 1,204 tokens").waitFor();
  assert.match((await page.locator(".engine-facts").textContent()) ?? "", /wrote about \d+ a second.*Context: 1,2\d\d of 8,192 tokens/);
}, { pace: 40 });

inRoom("the question is at hand for the whole interview", "/sessions/long", async ({ page }) => {
  await page.locator(".turn").nth(199).waitFor();
  await page.locator("#answer").focus();
  await page.keyboard.press("Alt+q");
  const dialog = page.getByRole("dialog", { name: "Messages to forty million people" });
  await dialog.getByText("Design what should send them.").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "The question" }).click();
  await dialog.waitFor();
});

inRoom("the list of keys comes while one is typing too, and by the mouse", "/sessions/active", async ({ page }) => {
  await page.locator("#answer").fill("An answer");
  await page.keyboard.type("? g h");
  assert.equal(await page.getByRole("dialog").count(), 0, "what is typed is text");
  await page.keyboard.press("Control+/");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Keys" }).click();
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  assert.equal(await page.locator("#answer").inputValue(), "An answer? g h");
});

inRoom("nothing above the reply moves while it streams", "/sessions/active", async ({ page }) => {
  await page.evaluate(() => {
    /** @type {any} */ (window).shifts = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) /** @type {any} */ (window).shifts += /** @type {any} */ (entry).value;
    }).observe({ type: "layout-shift", buffered: false });
  });
  await page.locator("#answer").fill("An answer.");
  await page.keyboard.press("Control+Enter");
  await page.locator(".turn.interviewer:not(.streaming)", { hasText: "what stays?" }).waitFor();
  await page.waitForTimeout(100);
  const shifts = await page.evaluate(() => /** @type {any} */ (window).shifts);
  assert.ok(shifts < 0.02, `cumulative layout shift ${shifts}`);
}, { pace: 15 });

inRoom("a reply under 200 turns holds nothing up", "/sessions/long", async ({ page }) => {
  await page.locator(".turn").nth(199).waitFor();
  await page.evaluate(() => {
    /** @type {any} */ (window).longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) /** @type {any} */ (window).longest = Math.max(/** @type {any} */ (window).longest, duration);
    }).observe({ type: "longtask" });
  });
  await page.locator("#answer").fill("An answer.");
  await page.keyboard.press("Control+Enter");
  await page.locator(".turn.interviewer:not(.streaming)", { hasText: "what stays?" }).waitFor();
  const longest = await page.evaluate(() => /** @type {any} */ (window).longest);
  console.log(`longest task while a reply streams under 200 turns: ${longest} ms`);
  // A frame is 16 ms; on a loaded machine of two cores everything takes many times as long. Drawing all turns anew would show.
  assert.ok(longest < 500, `a task of ${longest} ms`);
}, { pace: 15 });
