// From the last word of a spoken answer to the first spoken word of the reply, with everything real: Chromium's microphone,
// Whisper, the model, espeak-ng. Prints a line for each answer; --summary prints median and 95th percentile of such lines.
//   node spoken_latency.mjs --model qwen2.5-coder-1.5b-instruct-q4_k_m [--round Behavioural] [--first 0] [--count 3] [--no-draft] [--seconds 80] >> lines.jsonl
//   node spoken_latency.mjs --summary lines.jsonl
// Needs espeak-ng and the installed models; another program than the development build is named by OFFRECORD_BINARY.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { homedir, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { problems, rounds } from "./answers.mjs";
import { launch } from "./browser.mjs";
import { openPage } from "./page.mjs";
import { serve } from "./server.mjs";
import { answerAloud, microphone, spokenFile, watch } from "./spoken.mjs";

const { values: asked } = parseArgs({ options: {
  model: { type: "string" }, round: { type: "string", default: "System design" }, first: { type: "string", default: "0" }, count: { type: "string", default: "3" },
  "no-draft": { type: "boolean", default: false }, seconds: { type: "string", default: "3600" }, summary: { type: "string" },
} });

/** @param {number[]} values @param {number} share */
const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)];

if (asked.summary) {
  const lines = readFileSync(asked.summary, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  for (const draft of [true, false]) {
    const of = lines.filter((line) => line.draft === draft);
    if (of.length === 0) continue;
    const row = ["all", "reached", "words", "sentence", "voice"].map((name) => `${name} ${quantile(of.map((line) => line[name]), 0.5)} / ${quantile(of.map((line) => line[name]), 0.95)}`);
    console.log(`${draft ? "with" : "without"} the draft, n ${of.length}, ms median / 95th: ${row.join(", ")}; load ${Math.min(...of.map((line) => line.load))} to ${Math.max(...of.map((line) => line.load))}`);
  }
  process.exit();
}

const begun = Date.now();
const folder = mkdtempSync(join(tmpdir(), "offrecord-latency-"));
const models = process.env.OFFRECORD_MODELS_DIR ?? join(process.env.XDG_DATA_HOME ?? join(homedir(), ".local/share"), "offrecord/models");
const program = await serve({ model: asked.model, env: { OFFRECORD_MODELS_DIR: models } });
const browser = await launch(microphone(join(folder, "said.wav")));
try {
  spokenFile(join(folder, "said"), "");
  const { page } = await openPage(browser);
  page.setDefaultTimeout(120_000);
  await page.addInitScript(() => {
    localStorage.setItem("offrecord.toured", "yes");
    localStorage.setItem("offrecord.speech", JSON.stringify({ aloud: true }));
  });
  await watch(page);
  if (asked["no-draft"]) await page.route("**/draft", (route) => route.fulfill({ status: 204 }));
  await page.goto(program.link);
  await page.locator(".model-line").getByText("ready").or(page.locator(".model-line").getByText("scripted")).first().waitFor();
  await page.getByRole("radio", { name: asked.round }).check();
  await page.getByRole("combobox").fill(problems[asked.round]);
  await page.getByRole("option").first().click();
  await page.getByRole("button", { name: /Start interview/ }).click();
  await page.locator(".turn.interviewer").first().waitFor();
  await page.getByRole("button", { name: "Speak your answer" }).waitFor();
  await page.keyboard.press("Shift");
  const texts = rounds[asked.round].slice(Number(asked.first)).concat(rounds[asked.round]).slice(0, Number(asked.count));
  for (const [index, text] of texts.entries()) {
    // Only a person has the time to wait for the microphone: the model that listens is loaded with the first sound.
    if (index === 0) await page.evaluate(() => fetch("/api/speech"));
    const { seconds } = spokenFile(join(folder, "said"), text);
    if (Date.now() - begun + seconds * 1000 + 10_000 > Number(asked.seconds) * 1000) break;
    const { draft, ...times } = await answerAloud(page, seconds);
    const rounded = Object.fromEntries(Object.entries(times).map(([name, value]) => [name, Math.round(value)]));
    console.log(JSON.stringify({ model: asked.model ?? "scripted", round: asked.round, answer: Number(asked.first) + index, draft: !asked["no-draft"], seconds: Math.round(seconds * 10) / 10, drafted: draft.split(/\s+/).length, ...rounded, load: Number(loadavg()[0].toFixed(1)) }));
  }
} finally {
  await browser.close();
  await program.close();
  rmSync(folder, { recursive: true });
}
