// Speaking in real Chromium with a microphone that plays a file: words in the box, patience, reading aloud, barge-in, and every
// way in which a microphone can be missing. The program is canned; what it hears is counted by loudness.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import * as canned from "./canned.mjs";
import { sound, startMock } from "./mock.mjs";
import { openPage } from "./page.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** @type {string} */
let folder;
before(() => (folder = mkdtempSync(join(tmpdir(), "offrecord-voice-"))));
after(() => rmSync(folder, { recursive: true }));

/** @param {[number, number][]} parts what the microphone hears @param {number} [rate] @param {number} [loud] */
function browserThatHears(parts, rate = 48_000, loud = 0.4) {
  const file = join(folder, `${Math.random()}.wav`);
  writeFileSync(file, sound(parts, rate, loud));
  return launch(["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", `--use-file-for-fake-audio-capture=${file}%noloop`, "--autoplay-policy=no-user-gesture-required"]);
}

/**
 * @param {{ hears?: [number, number][], rate?: number, loud?: number, path?: string, settings?: object, mock?: object, before?: (page: Page) => Promise<any> }} how
 * @param {(page: Page, mock: any) => Promise<void>} act
 */
async function speaking({ hears = [[0, 30]], rate, loud, path = "/sessions/active", settings = {}, mock: options, before: first }, act) {
  const browser = await browserThatHears(hears, rate, loud);
  const mock = await startMock(options);
  const opened = await openPage(browser);
  try {
    await opened.page.addInitScript((kept) => {
      localStorage.setItem("offrecord.toured", "yes");
      if (!localStorage.getItem("offrecord.speech")) localStorage.setItem("offrecord.speech", kept);
    }, JSON.stringify(settings));
    await first?.(opened.page);
    await opened.page.goto(`${mock.url}/#${path}`);
    await opened.page.locator("h1").first().waitFor();
    await act(opened.page, mock);
    await opened.close();
  } finally {
    await browser.close();
    await mock.close();
  }
}

/** @param {Page} page */
const button = (page) => page.getByRole("button", { name: /^(Speak your answer|Stop listening)$/ });
/** @param {Page} page */
const box = (page) => page.locator("#answer");
/** @param {Page} page @param {string} part */
const boxHolds = (page, part) => page.waitForFunction((wanted) => /** @type {HTMLTextAreaElement} */ (document.querySelector("#answer")).value.includes(wanted), part, { timeout: 30_000 });
/** @param {any} mock */
const sent = (mock) => mock.state.log.filter((/** @type {string} */ line) => line.endsWith("/turns")).length;

const sentence = "I would put a queue between the two";

test("a spoken turn: words come while speaking, are edited, and the answer carries what was heard and how long it took", () =>
  speaking({ hears: [[0, 2], [200, 5], [0, 30]] }, async (page, mock) => {
    assert.ok(!mock.state.log.some((/** @type {string} */ line) => line.includes("/speech/conversation")), "nothing of it is loaded before it is wanted");
    await button(page).click();
    await page.getByText("Hearing you").waitFor();
    await boxHolds(page, "I would put");
    await boxHolds(page, sentence);
    assert.ok(mock.state.heard.length >= 2, "it was read while it was said");
    // The pause has cut the piece; it is whole.
    await page.locator(".voice-line").getByText("Listening", { exact: true }).waitFor();
    await page.waitForFunction((expected) => /** @type {any} */ (document.querySelector("#answer")).value.startsWith(expected), sentence);
    await button(page).click();
    await page.getByRole("button", { name: "Speak your answer" }).waitFor();
    const heard = await box(page).inputValue();
    assert.ok(mock.state.drafts.some((/** @type {string} */ draft) => draft !== "" && heard.startsWith(draft) && draft.length < heard.length), "the model read ahead while it was said");
    await box(page).fill(heard.replace("queue", "log"));
    await page.keyboard.press("Control+Enter");
    await page.locator(".turn.interviewer:not(.streaming)", { hasText: "what stays?" }).waitFor();
    assert.ok(mock.state.sessions.get("active").turns.at(-2).text.includes("put a log"), "what counts is what the person left");
    assert.equal(mock.state.spoken.heard, heard, "and what was heard goes with it");
    const { speaking_ms, first_word_ms, longest_ms } = mock.state.spoken;
    assert.ok(speaking_ms > 3500 && speaking_ms < 6500, `${speaking_ms} ms of 5 s`);
    assert.ok(longest_ms > 1000 && longest_ms <= speaking_ms && first_word_ms > 1000, `${longest_ms} ms, ${first_word_ms} ms`);
    assert.ok(mock.state.heard.every((/** @type {any} */ one) => one.seconds < 28));
    assert.equal(await box(page).inputValue(), "");
  }));

test("an answer is stored also when the program does not take how it was said", () =>
  speaking({ hears: [[0, 1], [200, 3], [0, 30]] }, async (page, mock) => {
    mock.state.refuseSpoken = true;
    await button(page).click();
    await boxHolds(page, "I would put");
    await page.keyboard.press("Control+Enter");
    await page.locator(".turn.candidate", { hasText: "I would put" }).waitFor();
    assert.equal(mock.state.spoken, undefined);
    assert.equal(sent(mock), 2);
  }));

test("the answer that is only typed says nothing of speaking", () =>
  speaking({}, async (page, mock) => {
    await box(page).fill("Typed.");
    await page.keyboard.press("Control+Enter");
    await page.locator(".turn.candidate", { hasText: "Typed." }).waitFor();
    assert.equal(mock.state.spoken, undefined);
  }));

test("hold to talk: the key is held while speaking; sending waits for the last words", () =>
  speaking({ hears: [[0, 1], [200, 40]] }, async (page, mock) => {
    await box(page).pressSequentially("First, ");
    await page.keyboard.down("Alt");
    await page.keyboard.down("m");
    await page.getByText("Hearing you").waitFor();
    await boxHolds(page, "First, I would");
    await page.keyboard.up("m");
    await page.keyboard.up("Alt");
    await page.keyboard.press("Control+Enter");
    await page.locator(".turn.candidate", { hasText: "First, I would" }).waitFor();
    const last = mock.state.heard.at(-1);
    assert.ok(mock.state.sessions.get("active").turns.find((/** @type {any} */ turn) => turn.seq === 7).text.endsWith(last.text), "the last words are in it");
    assert.equal(await page.getByRole("button", { name: "Speak your answer" }).count(), 1, "it listens no longer");
  }));

test("what the person types while speaking stands, and the caret stays where it is", () =>
  speaking({ hears: [[0, 1], [200, 4], [0, 30]] }, async (page) => {
    await box(page).fill("One.");
    await box(page).evaluate((/** @type {HTMLTextAreaElement} */ area) => area.setSelectionRange(0, 0));
    await button(page).click();
    await boxHolds(page, "One. I would");
    assert.equal(await box(page).evaluate((/** @type {HTMLTextAreaElement} */ area) => area.selectionStart), 0);
    await page.keyboard.type("Zero. ");
    await boxHolds(page, `Zero. One. ${sentence.slice(0, 20)}`);
    await page.locator(".voice-line").getByText("Listening", { exact: true }).waitFor();
    assert.ok((await box(page).inputValue()).startsWith("Zero. One. I would"));
  }));

test("hands-free: silent for eight seconds, then a calm word; nothing is sent by itself; “still thinking” holds", () =>
  speaking({ hears: [[0, 1], [200, 2], [0, 60]], settings: { handsFree: true } }, async (page, mock) => {
    await button(page).click();
    await boxHolds(page, "I would");
    await page.locator(".voice-line").getByText(/^Listening\./).waitFor();
    const quietFrom = Date.now();
    await page.locator(".voice-line").getByText("Take your time, think aloud if it helps.").waitFor({ timeout: 40_000 });
    assert.ok(Date.now() - quietFrom > 6500, `after ${Date.now() - quietFrom} ms more`);
    await page.getByRole("button", { name: "Still thinking" }).click();
    await page.locator(".voice-line").getByText(/^Listening\./).waitFor();
    await page.waitForTimeout(1000);
    assert.equal(await page.locator(".voice-line").getByText("Take your time, think aloud").count(), 0, "it holds");
    assert.equal(sent(mock), 0);
  }));

test("hands-free: sending after a long silence only if it was asked for, with a countdown that any key stops", () =>
  speaking({ hears: [[0, 1], [200, 2], [0, 90]], settings: { handsFree: true, sendAfterSilence: true } }, async (page, mock) => {
    await button(page).click();
    await boxHolds(page, "I would");
    await page.locator(".voice-line").getByText(/^Sending in [1-8] s/).waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Not yet" }).click();
    await page.locator(".voice-line").getByText(/^Sending in/).waitFor({ state: "detached" });
    assert.equal(sent(mock), 0);
  }));

test("the spoken sign of the end sends, without the sign", () =>
  speaking({ hears: [[0, 1], [200, 3], [0, 60]], settings: { handsFree: true } }, async (page, mock) => {
    mock.state.transcript = (/** @type {number} */ loud) => (loud > 0 ? "I take the queue. That's my answer." : "");
    await button(page).click();
    await page.locator(".voice-line").getByText(/^Sending in [1-3] s/).waitFor({ timeout: 30_000 });
    await page.locator(".turn.candidate", { hasText: "I take the queue." }).waitFor();
    assert.equal(mock.state.sessions.get("active").turns.find((/** @type {any} */ turn) => turn.seq === 7).text, "I take the queue.");
    assert.equal(mock.state.spoken.heard, "I take the queue.");
    assert.equal(await page.getByRole("button", { name: "Stop listening" }).count(), 1, "it goes on listening for the next answer");
  }));

test("silence and a steady noise put nothing into the box", async () => {
  await speaking({ hears: [[0, 60]] }, async (page, mock) => {
    await button(page).click();
    await page.locator(".voice-line").getByText("Listening", { exact: true }).waitFor();
    await page.waitForTimeout(4000);
    assert.equal(mock.state.heard.length, 0, "silence is not even sent");
    assert.equal(await box(page).inputValue(), "");
  });
});

test("a long answer without a breath is cut before thirty seconds", () =>
  speaking({ hears: [[200, 60]] }, async (page, mock) => {
    await button(page).click();
    // As long as two pieces: the first must be whole before half a minute is over.
    await page.waitForFunction(() => /** @type {HTMLTextAreaElement} */ (document.querySelector("#answer")).value.split("I would put").length > 3, null, { timeout: 90_000 });
    const longest = Math.max(...mock.state.heard.map((/** @type {any} */ one) => one.seconds));
    assert.ok(longest > 18 && longest <= 28, `${longest} s`);
  }));

for (const rate of [8000, 44_100]) {
  test(`a microphone of ${rate} Hz is heard as well`, () =>
    speaking({
      hears: [[0, 1], [200, 3], [0, 30]], rate,
      before: (page) => page.addInitScript((hertz) => {
        const settings = MediaStreamTrack.prototype.getSettings;
        MediaStreamTrack.prototype.getSettings = function () {
          return { ...settings.call(this), sampleRate: hertz };
        };
      }, rate),
    }, async (page, mock) => {
      await button(page).click();
      await boxHolds(page, "I would put a");
      await page.locator(".voice-line").getByText("Listening", { exact: true }).waitFor();
      const whole = Math.max(...mock.state.heard.map((/** @type {any} */ one) => one.seconds));
      assert.ok(whole > 2.5 && whole < 5, `${whole} s of 3`);
    }));
}

test("clipped sound is cut, not turned into noise, and words come", () =>
  speaking({ hears: [[0, 1], [200, 3], [0, 30]], loud: 4 }, async (page) => {
    await button(page).click();
    await boxHolds(page, "I would put a");
  }));

for (const [name, says] of [["NotAllowedError", "The microphone is not allowed."], ["NotFoundError", "No microphone was found."], ["NotReadableError", "The microphone gives no sound."], ["TypeError", "This browser cannot listen here."]]) {
  test(`${name}: said in plain words, and the typed path works`, () =>
    speaking({ before: (page) => page.addInitScript((error) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(error === "TypeError" ? new TypeError("x") : new DOMException("x", error));
    }, name) }, async (page, mock) => {
      await box(page).fill("Half an answer");
      await button(page).click();
      const notice = page.getByRole("status").filter({ hasText: says });
      await notice.getByText(/type your answer/i).waitFor();
      assert.equal(await box(page).inputValue(), "Half an answer");
      await notice.getByRole("button", { name: "Close" }).click();
      await notice.waitFor({ state: "detached" });
      await box(page).fill("A typed answer.");
      await page.keyboard.press("Control+Enter");
      await page.locator(".turn.candidate", { hasText: "A typed answer." }).waitFor();
      assert.equal(sent(mock), 1);
    }));
}

/** Keeps every stream that the page asks for. @param {Page} page */
const keepStreams = (page) => page.addInitScript(() => {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  /** @type {any} */ (window).streams = [];
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    /** @type {any} */ (window).streams.push(stream);
    return stream;
  };
});
/** @param {Page} page */
const liveTracks = (page) => page.evaluate(() => /** @type {any} */ (window).streams.flatMap((/** @type {MediaStream} */ stream) => stream.getTracks()).filter((/** @type {MediaStreamTrack} */ track) => track.readyState === "live").length);

test("a device that is unplugged in the middle: nothing heard is lost", () =>
  speaking({ hears: [[0, 1], [200, 40]], before: keepStreams }, async (page) => {
    await button(page).click();
    await boxHolds(page, "I would put a");
    await page.evaluate(() => /** @type {any} */ (window).streams[0].getTracks()[0].dispatchEvent(new Event("ended")));
    await page.getByText("The microphone was disconnected.").waitFor();
    await page.locator(".voice-line").getByText("Writing down your last words…").waitFor({ state: "hidden" });
    assert.ok((await box(page).inputValue()).startsWith("I would put a"));
    assert.equal(await liveTracks(page), 0, "and the device is let go");
  }));

test("leaving the room lets the microphone go", () =>
  speaking({ before: keepStreams }, async (page) => {
    await button(page).click();
    await page.locator(".voice-line").getByText("Listening", { exact: true }).waitFor();
    assert.equal(await liveTracks(page), 1);
    await page.keyboard.press("Alt+p");
    await page.getByText("The clock stands").waitFor();
    await page.waitForFunction(() => /** @type {any} */ (window).streams[0].getTracks()[0].readyState === "ended");
  }));

test("a recogniser that does not answer: the words wait for another try", () =>
  speaking({ hears: [[0, 1], [200, 3], [0, 60]] }, async (page, mock) => {
    mock.state.deaf = true;
    await button(page).click();
    const notice = page.getByRole("status").filter({ hasText: "could not be written down" });
    await notice.waitFor({ timeout: 30_000 });
    mock.state.deaf = false;
    await notice.getByRole("button", { name: "Try again" }).click();
    await boxHolds(page, "I would put a");
    await notice.waitFor({ state: "detached" });
  }));

test("without a speech model the button says what to do; an older program has no button", async () => {
  await speaking({}, async (page, mock) => {
    mock.state.speech = { ...canned.speech, input: { available: false, model: null, models: [], hint: "Run: offrecord pull whisper-base" } };
    await page.reload();
    await button(page).click();
    await page.getByRole("status").filter({ hasText: "offrecord pull whisper-base" }).getByText(/type your answer/).waitFor();
  });
  await speaking({}, async (page, mock) => {
    mock.state.speech = null;
    await page.reload();
    await box(page).fill("Typed.");
    await page.keyboard.press("Control+Enter");
    await page.locator(".turn.candidate", { hasText: "Typed." }).waitFor();
    assert.equal(await button(page).count(), 0);
    assert.equal(await page.getByRole("button", { name: "Speech and camera" }).count(), 0);
  });
});

test("a reply is read out from its first sentence on, while the rest is being written; a key stops it", () =>
  speaking({ settings: { aloud: true, voice: "program:en-us", rate: 1.2 } }, async (page, mock) => {
    mock.state.spokenFor = 20;
    // The first sentence is whole, the second not yet.
    mock.state.hold = 13;
    await box(page).fill("An answer.");
    await page.keyboard.press("Control+Enter");
    await page.locator(".voice-line").getByText("Reading the question out.").waitFor();
    assert.deepEqual(mock.state.said, [{ text: "The budget has just been halved.", voice: "en-us", rate: 204 }]);
    mock.state.hold = null;
    await page.locator(".turn.interviewer:not(.streaming)", { hasText: "what stays?" }).waitFor();
    assert.equal(mock.state.said.length, 2, "the next sentence is made while the first is heard");
    await page.keyboard.press("Shift");
    await page.locator(".voice-line").getByText("Reading the question out.").waitFor({ state: "hidden" });
    await page.waitForTimeout(300);
    assert.equal(await page.locator(".voice-line").getByText("Reading the question out.").isVisible(), false, "and it is not taken up again");
  }));

test("a reply that began before the voice was loaded is read out too", () =>
  speaking({
    settings: { aloud: true, voice: "program:en-us" },
    before: (page) => page.route("**/speech/conversation.js", async (route) => {
      await new Promise((loaded) => setTimeout(loaded, 1500));
      await route.continue();
    }),
  }, async (page, mock) => {
    mock.state.spokenFor = 20;
    mock.state.hold = 13;
    await box(page).fill("An answer.");
    await page.keyboard.press("Control+Enter");
    await page.locator(".turn.interviewer.streaming", { hasText: "halved." }).waitFor();
    assert.deepEqual(mock.state.said, [], "the voice is not there yet");
    await page.locator(".voice-line").getByText("Reading the question out.").waitFor();
    assert.equal(mock.state.said[0].text, "The budget has just been halved.");
    mock.state.hold = null;
    await page.locator(".turn.interviewer:not(.streaming)", { hasText: "what stays?" }).waitFor();
  }));

test("barge-in: a voice stops the reading, and what is said from then on is heard", () =>
  speaking({ hears: [[0, 7], [200, 6], [0, 60]], settings: { aloud: true, handsFree: true } }, async (page, mock) => {
    mock.state.spokenFor = 60;
    await button(page).click();
    await page.locator(".voice-line").getByText(/^Listening\./).waitFor();
    await box(page).fill("An answer.");
    await page.getByRole("button", { name: /^Send/ }).click();
    await page.locator(".voice-line").getByText("Reading the question out.").waitFor();
    await page.locator(".voice-line").getByText("Reading the question out.").waitFor({ state: "hidden", timeout: 30_000 });
    await boxHolds(page, "I would");
  }));

test("only voices of this machine are offered and used", () =>
  speaking({
    settings: { aloud: true },
    before: (page) => page.addInitScript(() => {
      const said = (/** @type {any} */ (window).said = []);
      const voices = [{ name: "Cloud", lang: "en-US", localService: false, voiceURI: "cloud" }, { name: "Anna", lang: "de-DE", localService: true, voiceURI: "anna" }, { name: "Home <b>", lang: "en-GB", localService: true, voiceURI: "home" }];
      Object.defineProperty(window, "speechSynthesis", { value: { getVoices: () => voices, speak: (/** @type {any} */ one) => (said.push([one.voice.name, one.text]), setTimeout(() => one.onend(), 50)), cancel() {}, addEventListener() {}, removeEventListener() {} } });
      /** @type {any} */ (window).SpeechSynthesisUtterance = class { constructor(/** @type {string} */ text) { /** @type {any} */ (this).text = text; } };
    }),
  }, async (page, mock) => {
    await page.getByRole("button", { name: "Speech and camera" }).click();
    const options = await page.getByRole("combobox", { name: "Voice" }).locator("option").allTextContents();
    assert.deepEqual(options, ["Home <b> (en-GB)", "Anna (de-DE)", "English (Britain) (en-GB)", "English (America) (en-US)"]);
    await page.getByRole("button", { name: "Done" }).click();
    await box(page).fill("An answer.");
    await page.keyboard.press("Control+Enter");
    await page.waitForFunction(() => /** @type {any} */ (window).said.length === 2);
    assert.deepEqual(await page.evaluate(() => /** @type {any} */ (window).said), [["Home <b>", "The budget has just been halved."], ["Home <b>", "What changes first in what you have drawn, and what stays?"]]);
    assert.equal(mock.state.said.length, 0);
  }));

test("the camera is a mirror: off at first, one sink, nothing sent, and off when it is turned off", () =>
  speaking({ before: keepStreams }, async (page, mock) => {
    assert.equal(await page.locator("video").count(), 0);
    await page.getByRole("button", { name: "Speech and camera" }).click();
    const choice = page.getByRole("checkbox", { name: /^Show me my camera/ });
    assert.equal(await choice.isChecked(), false);
    await page.getByText("It is never recorded or sent.").waitFor();
    await choice.check();
    await page.getByRole("button", { name: "Done" }).click();
    await page.waitForFunction(() => (document.querySelector("video")?.videoWidth ?? 0) > 0);
    await page.getByText("Only you see this. Not recorded, not sent.").waitFor();
    assert.match(await page.locator("video").evaluate((video) => getComputedStyle(video).transform), /^matrix\(-1, 0, 0, 1/, "mirrored");
    assert.deepEqual(await page.evaluate(() => /** @type {any} */ (window).streams.map((/** @type {MediaStream} */ stream) => stream.getTracks().map((track) => track.kind))), [["video"]], "no sound with it");
    const before = mock.state.log.length;
    await page.waitForTimeout(500);
    assert.equal(mock.state.log.length, before, "nothing was asked of the program");
    // In one column too it stands in nobody's way: not over what is said, nor over the box.
    for (const [width, height] of [[390, 844], [768, 900]]) {
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(100);
      const [mirror, transcript, answer] = await Promise.all([".self-view", ".transcript", "#answer"].map((one) => page.locator(one).boundingBox()));
      assert.ok(mirror && transcript && answer);
      assert.ok(mirror.y >= transcript.y + transcript.height - 1 && mirror.y + mirror.height <= answer.y + 1, `at ${width} px: ${JSON.stringify({ mirror, transcript, answer })}`);
    }
    await page.getByRole("button", { name: "Turn the camera off" }).click();
    await page.locator("video").waitFor({ state: "detached" });
    assert.equal(await liveTracks(page), 0);
    await page.reload();
    await box(page).waitFor();
    assert.equal(await page.locator("video").count(), 0, "and off the next time");
  }));

test("recordings: only on request, with the answer they belong to, deleted one by one", async () => {
  const hears = /** @type {[number, number][]} */ ([[0, 1], [200, 2], [0, 60]]);
  for (const record of [false, true]) {
    await speaking({ hears, path: "/", settings: { record } }, async (page, mock) => {
      await page.getByRole("button", { name: /Start interview/ }).click();
      await box(page).waitFor();
      const [id, session] = [...mock.state.sessions].at(-1);
      assert.equal(session.asked.record, record ? true : undefined);
      await button(page).click();
      await boxHolds(page, "I would");
      await page.locator(".voice-line").getByText(record ? "Listening a recording is kept" : "Listening", { exact: true }).waitFor();
      await page.keyboard.press("Control+Enter");
      await page.locator(".turn.interviewer:not(.streaming)").nth(1).waitFor();
      for (let tries = 0; record && tries < 200 && !mock.state.recordings.has(`${id}/1`); tries += 1) await page.waitForTimeout(20);
      assert.equal(mock.state.recordings.has(`${id}/1`), record);
      if (record) assert.ok(mock.state.recordings.get(`${id}/1`).length > 44 + 32_000, "with sound in it");
    });
  }
  await speaking({ path: "/sessions/older/scorecard", mock: { sessions: spokenSessions() } }, async (page, mock) => {
    await page.locator("summary", { hasText: "Recordings" }).click();
    await page.getByRole("button", { name: "Delete the recording of turn 1" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete the recording of turn 1" }).waitFor({ state: "detached" });
    assert.ok(mock.state.log.includes("DELETE /api/sessions/older/recordings/1"));
    await page.getByRole("button", { name: "Delete the recording of turn 3" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("All recordings of this interview are deleted.").waitFor();
  });
});

function spokenSessions() {
  const sessions = canned.sessions();
  Object.assign(/** @type {any} */ (sessions.find((session) => session.id === "older")), { delivery: canned.delivery, recordings: canned.recordings });
  return sessions;
}

/** What is never assessed, in the words that would do it. */
const judged = /\b(accents?|fillers?|um+|uh+|hesitat\w*|paus(?:e|es|ed|ing)|tone|pitch|intonation|monoton\w*|pronunciation|fluen\w*|stutter\w*|mumbl\w*|confident|nervous\w*|gaze|smil\w*|face|facial|eye contact|body language|posture|too (?:fast|slow)|charisma\w*)\b/i;

test("times of speaking are facts beside the scorecard, and no word judges how somebody speaks", () =>
  speaking({ path: "/sessions/older/scorecard", mock: { sessions: spokenSessions() } }, async (page) => {
    await page.locator("summary", { hasText: "Time spoken" }).click();
    const table = page.getByRole("region", { name: "Time spoken, answer by answer" });
    assert.match((await table.getByRole("row").nth(2).innerText()).replaceAll(/\s+/g, " "), /^Turn 3 edited 1:01 0:06 118 115 0:40$/);
    await page.getByText("Of all words, 41 % were yours. The longest stretch was 0:40.").waitFor();
    await page.getByText("Facts, in no score.").waitFor();
    await page.evaluate(() => document.querySelectorAll("details").forEach((fold) => (fold.open = true)));
    const report = await page.locator(".report").evaluate((element) => {
      const copy = /** @type {Element} */ (element.cloneNode(true));
      // The clock of the interview may be stopped: that is no judgement.
      return [...copy.querySelectorAll("*")].map((one) => [...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent).join(" ")).join("\n");
    });
    assert.doesNotMatch(report, judged);
    await table.getByRole("button", { name: "Turn 3" }).click();
    await page.locator(".line.lit").getByText("turn 3").waitFor();
  }));

test("the first paint loads nothing of speech; the check of the machine offers its settings", () =>
  speaking({ path: "/" }, async (page, mock) => {
    await page.waitForLoadState("networkidle");
    assert.deepEqual(mock.state.log.filter((/** @type {string} */ line) => /speech\/|\/api\/speech|voice/.test(line)), []);
    await page.getByRole("button", { name: "check this machine" }).click();
    await page.locator("summary", { hasText: "Speech" }).click();
    await page.getByText("Whisper base (145 MB)").waitFor();
    await page.getByRole("radio", { name: "Hands-free" }).check();
    await page.getByRole("checkbox", { name: /^Keep recordings/ }).check();
    assert.equal(await page.getByRole("checkbox", { name: /camera/ }).count(), 0, "the mirror is for the room");
    assert.deepEqual(await page.evaluate(() => JSON.parse(localStorage.getItem("offrecord.speech") ?? "{}")), { handsFree: true, sendAfterSilence: false, aloud: false, voice: "", rate: 1, record: true });
  }));
