// Sentences by espeak-ng as files for Chromium's microphone, and the moments of a spoken turn as the page lives them.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

/**
 * Writes a sound for the microphone: two seconds of silence, the words, a minute of silence.
 * @param {string} file without its ending @param {string} words none for silence @param {number} noise 0 to 1 @param {number} from seconds before the noise
 * @returns {{ file: string, seconds: number }} `seconds`: from the first loud sample to the last
 */
export function spokenFile(file, words, noise = 0, from = 0) {
  const raw = `${file}.raw.wav`;
  execFileSync("espeak-ng", ["-v", "en-us", "-s", "150", "-w", raw, words]);
  const bytes = readFileSync(raw);
  const rate = bytes.readUInt32LE(24);
  const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset + 44, bytes.byteOffset + bytes.length - (bytes.length % 2)));
  const quiet = 2 * rate;
  const out = Buffer.alloc(44 + 2 * (quiet + samples.length + 60 * rate));
  bytes.copy(out, 0, 0, 44);
  out.writeUInt32LE(out.length - 8, 4);
  out.writeUInt32LE(out.length - 44, 40);
  let state = 11;
  for (let n = 0; n < (out.length - 44) / 2; n += 1) {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    const hiss = (n < from * rate ? 0 : noise) * 32_767 * (state / 2 ** 31 - 1);
    const value = (samples[n - quiet] ?? 0) + hiss;
    out.writeInt16LE(Math.max(-32_768, Math.min(32_767, Math.round(value))), 44 + 2 * n);
  }
  writeFileSync(`${file}.wav`, out);
  const loud = (/** @type {number} */ sample) => Math.abs(sample) > loudest / 20;
  const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1);
  return { file: `${file}.wav`, seconds: (samples.findLastIndex(loud) - samples.findIndex(loud)) / rate };
}

/** Flags for a browser whose microphone plays a file, once from its beginning each time it is opened. @param {string} file */
export const microphone = (file) => ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", `--use-file-for-fake-audio-capture=${file}%noloop`, "--autoplay-policy=no-user-gesture-required"];

/**
 * From now on the page writes down when the microphone is first loud, when what is asked of the program, and when a voice
 * begins to be heard: `moments`, in milliseconds of its own clock.
 * @param {import("playwright-core").Page} page
 */
export async function watch(page) {
  await page.addInitScript(() => {
    const moments = { loud: 0, sent: 0, heard: 0, written: 0, spoken: 0 };
    const here = /** @type {any} */ (globalThis);
    here.moments = moments;
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      const stream = await open(wanted);
      const audio = new AudioContext();
      const meter = audio.createAnalyser();
      meter.fftSize = 512;
      audio.createMediaStreamSource(stream).connect(meter);
      const block = new Float32Array(meter.fftSize);
      const timer = setInterval(() => {
        meter.getFloatTimeDomainData(block);
        if (moments.loud || !block.some((value) => Math.abs(value) > 0.03)) return;
        moments.loud = performance.now();
        clearInterval(timer);
        audio.close();
      }, 5);
      return stream;
    };
    const ask = fetch;
    here.fetch = (/** @type {any} */ to, /** @type {any} */ how) => {
      const path = String(to?.url ?? to);
      if (path.endsWith("/turns")) moments.heard ||= performance.now();
      if (path.endsWith("/speech/synthesis")) moments.written ||= performance.now();
      return ask(to, how);
    };
    addEventListener("keydown", (event) => { if (event.key === "Enter" && event.ctrlKey) moments.sent ||= performance.now(); }, true);
    const play = HTMLMediaElement.prototype.play;
    HTMLMediaElement.prototype.play = function () {
      this.addEventListener("playing", () => (moments.spoken ||= performance.now()), { once: true });
      return play.call(this);
    };
  });
}

/**
 * One answer: the microphone is opened, the words are said, and when the last is over (and the person has reached the key)
 * the answer is sent. Waits for the first spoken word of the reply, then silences it.
 * @param {import("playwright-core").Page} page @param {number} seconds of the words @param {{ reach?: number, patience?: number }} [how] milliseconds
 */
export async function answerAloud(page, seconds, { reach = 250, patience = 120_000 } = {}) {
  await page.evaluate(() => (/** @type {any} */ (globalThis).moments.loud = 0));
  await page.getByRole("button", { name: "Speak your answer" }).click();
  await page.waitForFunction(() => /** @type {any} */ (globalThis).moments.loud > 0, undefined, { timeout: patience });
  await page.waitForFunction((after) => performance.now() >= /** @type {any} */ (globalThis).moments.loud + after, seconds * 1000 + reach, { timeout: patience, polling: 20 });
  const draft = await page.locator("#answer").inputValue();
  // What the question's own reading left behind does not count.
  await page.evaluate(() => Object.assign(/** @type {any} */ (globalThis).moments, { sent: 0, heard: 0, written: 0, spoken: 0 }));
  await page.locator("#answer").press("Control+Enter");
  await page.waitForFunction(() => /** @type {any} */ (globalThis).moments.spoken > 0, undefined, { timeout: patience, polling: 20 });
  const { loud, sent, heard, written, spoken } = await page.evaluate(() => /** @type {any} */ (globalThis).moments);
  const end = loud + seconds * 1000;
  await page.keyboard.press("Shift");
  await page.locator(".turn.streaming").waitFor({ state: "detached", timeout: patience });
  return { draft, reached: sent - end, words: heard - sent, sentence: written - heard, voice: spoken - written, all: spoken - end };
}
