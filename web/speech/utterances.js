// What is spoken, cut where the speaker takes a breath: pieces that a recogniser takes at once, and the times of speaking.
// Pure: frames in, pieces out.

import { frame, frameMs, voiceActivity } from "./voice.js";

/** So much before the first loud frame belongs to the first word. */
const lead = 300;
/** So much silence ends a piece; a long piece ends sooner. */
const breath = 700;
const shortBreath = 340;
const long = 18_000;
/** The recogniser takes thirty seconds at most. */
const longest = 27_500;
/** Less voice than this is a knock. */
const least = 160;

/** @typedef {{ samples: Float32Array, startMs: number, endMs: number }} Utterance times on the microphone's clock */

/**
 * @param {{ onUtterance: (one: Utterance) => void, onVoice?: (speaking: boolean, level: number) => void }} heard
 */
export function utterances({ onUtterance, onVoice }) {
  const voice = voiceActivity();
  let rest = new Float32Array(0);
  let now = 0;
  /** @type {Float32Array[]} */
  let before = [];
  /** @type {Float32Array[] | null} */
  let open = null;
  let startMs = 0;
  let voiced = 0;
  let quiet = 0;
  /** @type {[number, number][]} */
  let spans = [];
  let was = false;

  /** @param {Float32Array} block any length, at 16,000 a second @param {{ raised?: number, deaf?: boolean }} [how] `deaf`: hear whether, keep nothing */
  function push(block, { raised = 0, deaf = false } = {}) {
    const data = join([rest, block]);
    let at = 0;
    for (; at + frame <= data.length; at += frame) take(data.slice(at, at + frame), raised, deaf);
    rest = data.slice(at);
  }

  /** @param {Float32Array} samples @param {number} raised @param {boolean} deaf */
  function take(samples, raised, deaf) {
    const { speaking, level } = voice(samples, raised);
    onVoice?.(speaking, level);
    now += frameMs;
    if (deaf) {
      before = [];
      was = false;
      return;
    }
    if (speaking) {
      if (was) /** @type {[number, number]} */ (spans.at(-1))[1] = now;
      else spans.push([now - frameMs, now]);
    }
    was = speaking;
    if (!open) {
      before.push(samples);
      if (before.length > lead / frameMs) before.shift();
      if (!speaking) return;
      open = before;
      startMs = now - open.length * frameMs;
      before = [];
      voiced = 0;
      quiet = 0;
    } else {
      open.push(samples);
    }
    voiced += speaking ? frameMs : 0;
    quiet = speaking ? 0 : quiet + frameMs;
    const length = open.length * frameMs;
    if (quiet >= (length > long ? shortBreath : breath) || length >= longest) close();
  }

  function close() {
    const done = open;
    open = null;
    if (!done || voiced < least) return;
    const tail = Math.max(0, quiet - lead) / frameMs;
    const kept = done.slice(0, done.length - tail);
    onUtterance({ samples: join(kept), startMs, endMs: startMs + kept.length * frameMs });
  }

  return {
    push,
    /** What is being said now, so far; null in silence. */
    current: () => (open && voiced >= least ? join(open) : null),
    /** Ends the piece that is being said. */
    close,
    /** Milliseconds heard so far. */
    now: () => now,
    /** When somebody spoke, and from now on anew. */
    takeSpans() {
      const taken = spans;
      spans = was ? [[now, now]] : [];
      return taken.filter(([from, to]) => to > from);
    },
  };
}

/** @param {Float32Array[]} pieces */
function join(pieces) {
  const whole = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
