// Pieces of speech to words, through the program on this machine: one request at a time, in the order they were spoken.
// A growing piece is read as often as there is time; a whole one goes before it and is never dropped.

import { ApiError } from "../api.js";
import { pcm16, wav } from "./wav.js";

const tries = 3;

/** @typedef {{ samples: Float32Array, tries: number }} Piece */

/**
 * @param {{ context: () => string, onWords: (words: string, whole: boolean) => void, onTrouble: (cause: ApiError | null) => void, onPending: (pieces: number) => void }} around
 */
export function recogniser({ context, onWords, onTrouble, onPending }) {
  /** @type {Piece[]} */
  const whole = [];
  /** @type {Float32Array | null} */
  let growing = null;
  /** @type {{ stop: AbortController, whole: boolean } | null} */
  let flight = null;
  let broken = false;
  /** @type {(() => void)[]} */
  let waiting = [];

  function settle() {
    onPending(whole.length);
    if (whole.length > 0 && !broken) return;
    for (const done of waiting) done();
    waiting = [];
  }

  function go() {
    if (flight || broken) return;
    const piece = whole[0] ?? null;
    const samples = piece?.samples ?? growing;
    if (!samples) return;
    if (!piece) growing = null;
    const mine = (flight = { stop: new AbortController(), whole: piece !== null });
    read(samples, context(), mine.stop.signal).then(
      (words) => {
        if (flight !== mine) return;
        flight = null;
        if (piece) whole.shift();
        onWords(words, piece !== null);
        settle();
        go();
      },
      (cause) => {
        if (flight !== mine) return;
        flight = null;
        // A reading of a growing piece that failed is no loss: the next one is under way.
        if (!piece) return;
        piece.tries += 1;
        if (piece.tries < tries && (cause.status === 503 || cause.status === 0)) return void setTimeout(go, 1000 * piece.tries);
        broken = true;
        onTrouble(cause instanceof ApiError ? cause : new ApiError(0, {}));
        settle();
      },
    );
  }

  return {
    /** The piece that is being said, so far. The newest stands for all before it. @param {Float32Array} samples */
    growing(samples) {
      if (whole.length > 0) return;
      growing = samples;
      go();
    },
    /** A piece that is whole. @param {Float32Array} samples */
    whole(samples) {
      if (flight && !flight.whole) {
        flight.stop.abort();
        flight = null;
      }
      growing = null;
      whole.push({ samples, tries: 0 });
      onPending(whole.length);
      go();
    },
    /** When every whole piece is words, or cannot be. @returns {Promise<void>} */
    settled: () => new Promise((done) => (whole.length === 0 || broken ? done() : waiting.push(done))),
    again() {
      broken = false;
      onTrouble(null);
      for (const piece of whole) piece.tries = 0;
      go();
    },
    /** What was not read is given up. */
    drop() {
      flight?.stop.abort();
      flight = null;
      growing = null;
      whole.length = 0;
      broken = false;
      settle();
    },
  };
}

/** @param {Float32Array} samples @param {string} context @param {AbortSignal} signal @returns {Promise<string>} */
async function read(samples, context, signal) {
  const path = `/api/speech/transcriptions${context ? `?context=${encodeURIComponent(context)}` : ""}`;
  let response;
  try {
    response = await fetch(path, { method: "POST", body: wav([pcm16(samples)]), headers: { "content-type": "audio/wav" }, cache: "no-store", signal });
  } catch {
    throw new ApiError(0, { code: "unreachable", message: "offrecord does not answer.", hint: "If you closed it, start it again in a terminal. Your last words are kept here for another try." });
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, answer.error ?? {});
  return String(answer.text ?? "");
}
