// A spoken answer: the microphone's sound to words in the box, how long it took, and the interviewer's voice in between.
// Owns no markup. Sends nothing by itself but what the person asked for; the box stays the person's.

import { cell } from "../cell.js";
import { ApiError } from "../api.js";
import { facts } from "./facts.js";
import { deviceTrouble, openMicrophone, unplugged } from "./microphone.js";
import { patience } from "./patience.js";
import { openReader } from "./reader.js";
import { recogniser } from "./recogniser.js";
import { speechSettings } from "./settings.js";
import { land, spokenEnd } from "./tail.js";
import { utterances } from "./utterances.js";
import { pcm16, wav } from "./wav.js";

/** How often what is being said is read. */
const often = 1500;
/** Less than a second of speech is not worth a reading before it is whole. */
const least = 16_000;
/** While the machine speaks, a voice must be so much louder to count, for so long: its own echo must not. */
const raised = 24;
const bargeIn = 300;
/** The context that a recogniser is given: the last words. */
const lastWords = 200;
/** More than this of one answer is not recorded. */
const longestRecording = 10 * 60 * 16_000;

/**
 * @typedef {{ mode: "off" | "asking" | "on", hearing: boolean, pending: number, reading: boolean, say: "" | "take-time", sendsIn: number | null,
 *   trouble: { message: string, hint: string, again: boolean } | null }} State
 */

/** @type {State} */
const still = { mode: "off", hearing: false, pending: 0, reading: false, say: "", sendsIn: null, trouble: null };

/**
 * @param {{ id: string, speech: import("../types.js").SpeechStatus, box: { read: () => string, write: (text: string) => void }, send: () => void, asked: number }} around
 *   `asked`: since when the question stands there, on the page's clock
 */
export function openConversation({ id, speech, box, send, asked }) {
  const state = cell(still);
  const level = cell(0);
  const reader = openReader(speech);
  /** @type {{ close: () => void } | null} */
  let microphone = null;
  let opening = 0;
  let openedAt = 0;
  let lastRead = 0;
  let voiceSince = 0;
  let lastAct = performance.now();
  let holding = false;
  let tail = "";
  /** @type {number | null} */
  let signedAt = null;
  /** @type {string[]} */
  let heard = [];
  /** @type {[number, number][]} */
  let spans = [];
  /** @type {Int16Array[]} */
  let recorded = [];
  /** @type {ReturnType<typeof utterances> | null} */
  let cutter = null;

  /** @param {Partial<State>} part */
  const change = (part) => {
    const old = state.get();
    const next = { ...old, ...part };
    if (Object.keys(part).some((name) => /** @type {any} */ (old)[name] !== /** @type {any} */ (next)[name])) state.set(next);
  };

  const words = recogniser({
    context: () => box.read().slice(0, box.read().length - tail.length).slice(-lastWords),
    onWords: (said, whole) => {
      const { ended, words: kept } = speechSettings().handsFree && whole ? spokenEnd(said) : { ended: false, words: said };
      const next = land({ text: box.read(), tail }, kept, whole);
      tail = next.tail;
      if (next.text !== box.read()) box.write(next.text);
      if (whole && kept.trim()) heard.push(kept.trim());
      if (ended) signedAt = performance.now();
      else if (said.trim()) signedAt = null;
    },
    onTrouble: (cause) => change({ trouble: cause && { message: "The last words could not be written down.", hint: `${cause.message} ${cause.hint}`.trim(), again: true } }),
    onPending: (pending) => change({ pending }),
  });

  /** @param {Float32Array} samples */
  function sound(samples) {
    if (!cutter) return;
    const reading = reader.speaking.get();
    cutter.push(samples, reading ? { raised, deaf: true } : {});
    const now = performance.now();
    if (!reading && now - lastRead >= often) {
      const growing = cutter.current();
      if (growing && growing.length >= least) {
        lastRead = now;
        words.growing(growing);
      }
    }
    takeSpans();
  }

  function takeSpans() {
    for (const [from, to] of cutter?.takeSpans() ?? []) {
      const last = spans.at(-1);
      // A stretch that was taken while it lasted goes on.
      if (last && openedAt + from - last[1] < 30) last[1] = openedAt + to;
      else spans.push([openedAt + from, openedAt + to]);
    }
  }

  /** @param {boolean} speaking @param {number} loud */
  function voice(speaking, loud) {
    level.set(loud);
    const now = performance.now();
    if (!speaking) voiceSince = 0;
    else if (voiceSince === 0) voiceSince = cutter?.now() ?? 0;
    if (speaking && reader.speaking.get()) {
      if ((cutter?.now() ?? 0) - voiceSince >= bargeIn) reader.stop();
      return;
    }
    if (speaking) {
      lastAct = now;
      holding = false;
    }
    change({ hearing: speaking, ...(speaking ? { say: "", sendsIn: null } : {}) });
  }

  async function start() {
    if (microphone || state.get().mode === "asking") return;
    reader.stop();
    if (!speech.input.available) {
      return change({ trouble: { message: "Nothing here can write down speech yet.", hint: `${speech.input.hint ?? ""} You can type your answer at any time.`.trim(), again: false } });
    }
    const mine = (opening += 1);
    change({ mode: "asking", trouble: null });
    try {
      cutter = utterances({ onUtterance: utterance, onVoice: voice });
      const opened = await openMicrophone({ onSamples: sound, onGone: gone });
      if (mine !== opening) return opened.close();
      microphone = opened;
      openedAt = performance.now() - cutter.now();
      lastAct = performance.now();
      change({ mode: "on" });
    } catch (cause) {
      if (mine === opening) change({ mode: "off", trouble: { ...deviceTrouble(cause), again: false } });
    }
  }

  /** @param {import("./utterances.js").Utterance} one */
  function utterance({ samples }) {
    words.whole(samples);
    if (speechSettings().record && recorded.reduce((sum, piece) => sum + piece.length, 0) < longestRecording) recorded.push(pcm16(samples));
  }

  function gone() {
    stop();
    change({ trouble: { ...unplugged, again: false } });
  }

  /** Listens no longer; what was said is still written down. */
  function stop() {
    opening += 1;
    cutter?.close();
    takeSpans();
    microphone?.close();
    microphone = null;
    cutter = null;
    level.set(0);
    change({ mode: "off", hearing: false, say: "", sendsIn: null });
  }

  const timer = setInterval(() => {
    const { mode, pending, hearing } = state.get();
    if (mode !== "on" || !speechSettings().handsFree) return;
    const now = performance.now();
    if (hearing || pending > 0 || reader.speaking.get()) {
      if (pending > 0 && signedAt !== null) signedAt = now;
      return;
    }
    const next = patience({ silent: now - Math.max(lastAct, asked), said: box.read().trim() !== "", holding, sendAfterSilence: speechSettings().sendAfterSilence, signed: signedAt === null ? null : now - signedAt });
    change({ say: next.say, sendsIn: next.sendsIn === null ? null : Math.ceil(next.sendsIn / 1000) });
    if (!next.send) return;
    signedAt = null;
    lastAct = now;
    send();
  }, 250);

  /** A key or a press is a sign of life: it stops the machine's voice and every countdown. */
  const acted = () => {
    reader.stop();
    lastAct = performance.now();
    signedAt = null;
    change({ say: "", sendsIn: null });
  };
  addEventListener("keydown", acted, true);
  const unwatch = reader.speaking.watch(() => change({ reading: reader.speaking.get() }));

  return {
    state,
    level,
    reader,
    start,
    stop,
    acted,
    again: words.again,
    /** "Still thinking": until the next word nothing is said or sent. */
    hold() {
      holding = true;
      signedAt = null;
      change({ say: "", sendsIn: null });
    },
    /** The question stands there, or has been read out. */
    questionAsked() {
      asked = performance.now();
    },
    /** Before an answer is sent: the last words are awaited. In hands-free the microphone stays open for the next answer. */
    async finish() {
      if (speechSettings().handsFree) cutter?.close();
      else stop();
      await words.settled();
      takeSpans();
      const times = facts(spans, asked);
      return times && heard.length > 0 ? { heard: heard.join(" "), ...times } : undefined;
    },
    /** The answer is stored as this turn: the next one begins. @param {number} turn */
    async sent(turn) {
      const pieces = recorded;
      const spoken = spans.length > 0;
      heard = [];
      spans = [];
      recorded = [];
      tail = "";
      signedAt = null;
      holding = false;
      if (!spoken || pieces.length === 0) return;
      const response = await fetch(`/api/sessions/${encodeURIComponent(id)}/recordings/${turn}`, { method: "PUT", body: wav(pieces), headers: { "content-type": "audio/wav" } }).catch(() => null);
      if (response?.ok) return;
      const { message, hint } = new ApiError(0, (await response?.json().catch(() => null))?.error ?? { message: "offrecord does not answer." });
      change({ trouble: { message: "The recording was not kept.", hint: `${message} ${hint} Your answer is stored.`.trim(), again: false } });
    },
    forgive: () => change({ trouble: null }),
    close() {
      clearInterval(timer);
      removeEventListener("keydown", acted, true);
      unwatch();
      reader.stop();
      stop();
      // What was said before the person left still becomes a part of the draft.
      words.settled().then(words.drop);
    },
  };
}

/** @typedef {ReturnType<typeof openConversation>} Conversation */
