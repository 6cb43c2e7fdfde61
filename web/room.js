// One open session: its view, the reply being worded, and how both come back after a reload, sleep or restart.
// Owns no markup. The server's view is the truth; nothing here decides what happens in the interview.

import { ApiError, call, get, open } from "./api.js";
import { openBoard } from "./board.js";
import { cell } from "./cell.js";
import { elapsed } from "./elapsed.js";

/** @typedef {import("./types.js").Session} Session */

/**
 * What the interviewer is doing, honestly.
 * @typedef {{ state: "idle" } | { state: "sending" } | { state: "waiting" }
 *   | { state: "reading", done: number, total: number } | { state: "thinking" }
 *   | { state: "writing", text: string, rate: number | null }
 *   | { state: "failed", message: string, hint: string }} Reply
 */

/** @typedef {{ kind: "lost" } | { kind: "conflict" } | { kind: "refused", message: string, hint: string } | null} Trouble */

/** What a reply took: tokens of the model's context, of which so many were new to it, and tokens a second. @typedef {{ context: number, read: number, rate: number | null }} Facts */

/** @param {string} id */
export function openRoom(id) {
  const path = `/api/sessions/${encodeURIComponent(id)}`;
  const session = cell(/** @type {Session | null} */ (null));
  const reply = cell(/** @type {Reply} */ ({ state: "idle" }));
  const trouble = cell(/** @type {Trouble} */ (null));
  const failure = cell(/** @type {ApiError | null} */ (null));
  const last = cell(/** @type {Facts | null} */ (null));
  const board = openBoard(id);
  const gone = new AbortController();
  const otherTabs = new BroadcastChannel(`offrecord.session.${id}`);
  let streaming = false;
  let retry = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {Session} fresh */
  function show(fresh) {
    const known = session.get();
    if (known && fresh.next_seq < known.next_seq) return;
    session.set({ ...fresh, clock: { ...fresh.clock, received: performance.now() } });
    failure.set(null);
  }

  async function refresh() {
    clearTimeout(timer);
    try {
      show(await get(path, gone.signal));
    } catch (cause) {
      return lost(cause);
    }
    retry = 0;
    if (trouble.get()?.kind === "lost") trouble.set(null);
    // A reply that failed is asked for again by the person, not in a loop.
    if (session.get()?.replying != null && !streaming && reply.get().state !== "failed") listen();
  }

  /** @param {unknown} cause */
  function lost(cause) {
    if (gone.signal.aborted) return;
    if (cause instanceof ApiError && cause.status !== 0 && cause.status < 500) {
      failure.set(cause);
      return;
    }
    trouble.set({ kind: "lost" });
    retry = Math.min(retry + 1, 5);
    clearTimeout(timer);
    timer = setTimeout(refresh, 400 * 2 ** retry);
  }

  /** Takes up a reply that is being worded, or asks for one that is due: its events are told from the beginning. */
  async function listen() {
    if (streaming) return;
    streaming = true;
    reply.set({ state: "waiting" });
    try {
      await follow(await open("GET", `${path}/reply`, undefined, gone.signal));
    } catch (cause) {
      streaming = false;
      reply.set({ state: "idle" });
      if (cause instanceof ApiError && cause.status === 404) return refresh();
      lost(cause);
    }
  }

  /** @param {AsyncGenerator<{ event: string, data: any }>} events */
  async function follow(events) {
    let text = "";
    let pieces = 0;
    let begun = 0;
    let ended = false;
    let frame = 0;
    /** @type {{ known: number, total: number } | null} */
    let prompt = null;
    const rate = () => {
      const seconds = (performance.now() - begun) / 1000;
      return pieces > 4 && seconds > 0.5 ? (pieces - 1) / seconds : null;
    };
    const draw = () => {
      frame = 0;
      reply.set({ state: "writing", text, rate: rate() });
    };
    for await (const { event, data } of events) {
      if (event === "prefill") {
        // The first of a prompt tells what the model still knew of it.
        if (prompt?.total !== data.total) prompt = { known: data.done, total: data.total };
        reply.set(data.done < data.total ? { state: "reading", done: data.done, total: data.total } : { state: "thinking" });
      } else if (event === "token") {
        if (pieces === 0) begun = performance.now();
        pieces += 1;
        text += data.text;
        if (frame === 0) frame = requestAnimationFrame(draw);
      } else if (event === "done") {
        ended = true;
        // In one step, so that the reply becomes the turn in its place.
        cancelAnimationFrame(frame);
        if (prompt) last.set({ context: prompt.total + pieces, read: prompt.total - prompt.known, rate: rate() });
        reply.set({ state: "idle" });
        append(data.turn);
      } else if (event === "error") {
        ended = true;
        cancelAnimationFrame(frame);
        reply.set({ state: "failed", message: data.message, hint: data.hint });
      }
    }
    cancelAnimationFrame(frame);
    streaming = false;
    if (reply.get().state !== "failed") reply.set({ state: "idle" });
    if (ended) otherTabs.postMessage("moved");
    else trouble.set({ kind: "lost" });
    await refresh();
  }

  /** @param {import("./types.js").Turn} turn */
  function append(turn) {
    const known = session.get();
    if (!known || known.turns.some((old) => old.seq === turn.seq)) return;
    session.set({ ...known, turns: [...known.turns, turn], next_seq: Math.max(known.next_seq, turn.seq + 1), replying: null });
  }

  /**
   * Sends an answer. Resolves to true once the server has stored it: only then may the draft go.
   * @param {string} text @param {import("./types.js").Spoken} [spoken] how it was said, if it was
   */
  async function answer(text, spoken) {
    const known = session.get();
    if (!known || streaming) return false;
    const seq = known.next_seq;
    streaming = true;
    trouble.set(null);
    reply.set({ state: "sending" });
    let events;
    await board.settle();
    const scene = board.due();
    try {
      events = await open("POST", `${path}/turns`, { text, expected_seq: seq, board: scene, spoken }, gone.signal);
    } catch (cause) {
      streaming = false;
      reply.set({ state: "idle" });
      // How something was said must not keep what was said from being stored.
      if (spoken && cause instanceof ApiError && cause.status === 422) return answer(text);
      return refused(cause, seq, text);
    }
    if (scene) board.stored(scene);
    append({ seq, role: "candidate", text, at_ms: elapsed(known.clock) });
    reply.set({ state: "waiting" });
    follow(events).catch((cause) => {
      streaming = false;
      reply.set({ state: "idle" });
      lost(cause);
    });
    return true;
  }

  /** @param {unknown} cause @param {number} seq @param {string} text */
  async function refused(cause, seq, text) {
    if (!(cause instanceof ApiError)) throw cause;
    if (cause.status === 409 && cause.session) {
      show(cause.session);
      trouble.set({ kind: "conflict" });
      if (cause.session.replying != null) listen();
      return false;
    }
    if (cause.status === 0) {
      await refresh();
      const stored = session.get()?.turns.find((turn) => turn.seq === seq);
      return stored?.role === "candidate" && stored.text === text;
    }
    trouble.set({ kind: "refused", message: cause.message, hint: cause.hint });
    return false;
  }

  /** @param {"hint" | "pause" | "resume" | "finish"} what */
  async function act(what) {
    try {
      const fresh = await call("POST", `${path}/${what}`, {}, { signal: gone.signal });
      if (fresh?.turns) show(fresh);
      else await refresh();
      otherTabs.postMessage("moved");
      return true;
    } catch (cause) {
      if (cause instanceof ApiError && cause.status === 409 && cause.session) show(cause.session);
      else if (cause instanceof ApiError) trouble.set({ kind: "refused", message: cause.message, hint: cause.hint });
      return false;
    }
  }

  const woken = () => {
    if (document.visibilityState === "visible") refresh();
  };
  otherTabs.onmessage = () => refresh();
  document.addEventListener("visibilitychange", woken);
  addEventListener("online", woken);
  refresh();

  return {
    id,
    board,
    session,
    reply,
    trouble,
    failure,
    last,
    refresh,
    listen,
    answer,
    act,
    close() {
      gone.abort();
      clearTimeout(timer);
      otherTabs.close();
      document.removeEventListener("visibilitychange", woken);
      removeEventListener("online", woken);
    },
  };
}

/** @typedef {ReturnType<typeof openRoom>} Room */
