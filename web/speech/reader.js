// The interviewer's words spoken, sentence by sentence as they are written: by a voice of this machine's browser, or by the
// program. Voices that live on somebody else's computer are never used.

import { cell } from "../cell.js";
import { sentences } from "./sentences.js";
import { speechSettings } from "./settings.js";

/** @typedef {import("../types.js").SpeechStatus} SpeechStatus */
/** @typedef {{ play: () => Promise<void>, stop: () => void }} Spoken */

/** Only voices that need no network. @returns {SpeechSynthesisVoice[]} English first */
export function localVoices() {
  const all = globalThis.speechSynthesis?.getVoices() ?? [];
  return all.filter((voice) => voice.localService).toSorted((a, b) => Number(b.lang.startsWith("en")) - Number(a.lang.startsWith("en")) || a.name.localeCompare(b.name));
}

/** Which voice would speak; none where there is none. @param {SpeechStatus} speech @returns {{ browser: SpeechSynthesisVoice } | { program: string | undefined } | null} */
export function chosenVoice(speech) {
  const { voice } = speechSettings();
  const here = localVoices();
  const browser = here.find((one) => voice === `browser:${one.voiceURI}`);
  if (browser) return { browser };
  const program = speech.output?.available ? (speech.output.voices ?? []) : null;
  if (program && voice.startsWith("program:")) return { program: program.find((one) => voice === `program:${one.id}`)?.id };
  if (here[0]?.lang.startsWith("en")) return { browser: here[0] };
  return program ? { program: program[0]?.id } : here[0] ? { browser: here[0] } : null;
}

/** @param {SpeechStatus} speech */
export function openReader(speech) {
  const speaking = cell(false);
  /** @type {Promise<Spoken>[]} */
  let queue = [];
  /** @type {Spoken | null} */
  let now = null;
  let turn = 0;
  let stop = new AbortController();
  let taken = 0;
  let muted = false;

  /** @param {string} sentence */
  function say(sentence) {
    // The next sentence is made while this one is heard.
    queue.push(prepare(sentence, speech, stop.signal));
    queue.at(-1)?.catch(() => {});
    if (!speaking.get()) play();
  }

  async function play() {
    const mine = turn;
    speaking.set(true);
    while (queue.length > 0 && mine === turn) {
      const next = await /** @type {Promise<Spoken>} */ (queue.shift()).catch(() => null);
      if (mine !== turn) return;
      now = next;
      await now?.play().catch(() => {});
    }
    if (mine === turn) speaking.set(false);
  }

  function silence() {
    turn += 1;
    queue = [];
    stop.abort();
    stop = new AbortController();
    now?.stop();
    now = null;
    speaking.set(false);
  }

  return {
    speaking,
    /** A text that grows: called with all of it each time. What was stopped once is not taken up again. @param {string} text @param {boolean} whole */
    follow(text, whole) {
      if (!speechSettings().aloud || muted) return;
      const found = sentences(text, taken, whole);
      taken = found.taken;
      for (const sentence of found.sentences) say(sentence);
    },
    /** Another text begins. */
    fresh() {
      taken = 0;
      muted = false;
    },
    /** A key, a voice or the end of the page. */
    stop() {
      muted = true;
      silence();
    },
    /** One sentence now, for choosing a voice. @param {string} sentence */
    sample(sentence) {
      silence();
      say(sentence);
    },
  };
}

/** @param {string} sentence @param {SpeechStatus} speech @param {AbortSignal} signal @returns {Promise<Spoken>} */
async function prepare(sentence, speech, signal) {
  const voice = chosenVoice(speech);
  const { rate } = speechSettings();
  if (!voice) throw new Error("no voice");
  if ("browser" in voice) return byBrowser(sentence, voice.browser, rate);
  const response = await fetch("/api/speech/synthesis", { method: "POST", body: JSON.stringify({ text: sentence, voice: voice.program, rate }), headers: { "content-type": "application/json" }, cache: "no-store", signal });
  if (!response.ok) throw new Error("not spoken");
  return bySound(await response.blob());
}

/** @param {string} sentence @param {SpeechSynthesisVoice} voice @param {number} rate @returns {Spoken} */
function byBrowser(sentence, voice, rate) {
  const utterance = new SpeechSynthesisUtterance(sentence);
  utterance.voice = voice;
  utterance.lang = voice.lang;
  utterance.rate = rate;
  return {
    play: () => new Promise((done) => {
      utterance.onend = () => done();
      utterance.onerror = () => done();
      speechSynthesis.speak(utterance);
    }),
    stop: () => speechSynthesis.cancel(),
  };
}

/** @param {Blob} sound @returns {Spoken} */
function bySound(sound) {
  const address = URL.createObjectURL(sound);
  const audio = new Audio(address);
  let end = () => {};
  const done = new Promise((resolve) => (end = () => (URL.revokeObjectURL(address), resolve(undefined))));
  audio.onended = end;
  audio.onerror = end;
  return {
    play: async () => {
      await audio.play().catch(end);
      await done;
    },
    stop: () => {
      audio.pause();
      end();
    },
  };
}
