// Speaking in place of typing: one button in the answer box, a meter, and what is going on in plain words.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { cell, useCell } from "../cell.js";
import { elapsed } from "../elapsed.js";
import { useSpeechStatus } from "../speech_status.js";
import { speechSettings } from "../speech/settings.js";
import { Notice } from "./notice.js";

/** @typedef {import("../speech/conversation.js").Conversation} Conversation */
/** @typedef {import("../speech/conversation.js").State} State */

/** A press that is longer than this is held to talk; a shorter one switches. */
const held = 400;

const off = cell(/** @type {State} */ ({ mode: "off", hearing: false, pending: 0, reading: false, say: "", sendsIn: null, trouble: null }));

/**
 * The voice of one room: loaded when it is first wanted.
 * @param {import("../room.js").Room} room @param {{ read: () => string, write: (text: string) => void }} box @param {() => void} send @param {boolean} open
 */
export function useVoice(room, box, send, open) {
  const speech = useSpeechStatus();
  const [conversation, setConversation] = useState(/** @type {Conversation | null} */ (null));
  const loading = useRef(/** @type {Promise<Conversation> | null} */ (null));
  const latest = useRef({ box, send });
  latest.current = { box, send };
  const gone = useRef(false);
  const asked = useRef(performance.now());

  /** @returns {Promise<Conversation> | null} */
  const wanted = () => {
    if (!speech || !open) return null;
    loading.current ??= import("../speech/conversation.js").then(({ openConversation }) => {
      const opened = openConversation({ id: room.id, speech, box: { read: () => latest.current.box.read(), write: (text) => latest.current.box.write(text) }, send: () => latest.current.send(), asked: asked.current, recording: () => room.session.get()?.record === true });
      if (gone.current) opened.close();
      else setConversation(opened);
      return opened;
    });
    return loading.current;
  };

  // With the room, not after a later paint (so a layout effect): the microphone is let go at once.
  useLayoutEffect(() => () => {
    gone.current = true;
    loading.current?.then((opened) => opened.close());
  }, []);

  // Since when the question stands there: from the interview's clock at first, so that a reload changes nothing.
  useEffect(() => {
    const newest = () => room.session.get()?.turns.findLast((turn) => turn.role === "interviewer");
    const session = room.session.get();
    let known = newest()?.seq ?? -1;
    if (session) asked.current = performance.now() - Math.max(0, elapsed(session.clock) - (newest()?.at_ms ?? Infinity));
    return room.session.watch(() => {
      const seq = newest()?.seq ?? -1;
      if (seq > known) asked.current = performance.now();
      known = Math.max(known, seq);
    });
  }, []);

  // The interviewer's words are spoken as they come, if that is wanted; and the time to the first word counts from them.
  useEffect(() => {
    if (!speech || !open) return;
    const changed = () => speechSettings().aloud && wanted();
    changed();
    addEventListener("offrecord.speech", changed);
    return () => removeEventListener("offrecord.speech", changed);
  }, [speech, open]);
  useLayoutEffect(() => conversation ? follow(room, conversation) : undefined, [conversation]);

  return { speech: open ? speech : null, conversation, wanted };
}

/** @param {import("../room.js").Room} room @param {Conversation} conversation */
function follow(room, conversation) {
  const { reader } = conversation;
  const newest = () => room.session.get()?.turns.findLast((turn) => turn.role === "interviewer");
  let known = newest()?.seq ?? -1;
  // The first question of an interview is there before anybody could have heard it.
  if ((room.session.get()?.turns.length ?? 0) === 1) {
    reader.fresh();
    reader.follow(newest()?.text ?? "", true);
  }
  let text = "";
  const worded = () => {
    const reply = room.reply.get();
    if (reply.state === "sending" || reply.state === "waiting") {
      reader.fresh();
      text = "";
    }
    if (reply.state !== "writing" || reply.text === text) return;
    text = reply.text;
    reader.follow(text, false);
  };
  const appended = () => {
    const turn = newest();
    if (!turn || turn.seq <= known) return;
    known = turn.seq;
    conversation.questionAsked();
    reader.follow(turn.text, true);
  };
  const ends = [room.reply.watch(worded), room.session.watch(appended), reader.speaking.watch(() => reader.speaking.get() || conversation.questionAsked())];
  // A reply may be under way before the voice is loaded.
  worded();
  return () => ends.forEach((end) => end());
}

/** @param {{ voice: ReturnType<typeof useVoice>, disabled: boolean }} props */
export function MicrophoneButton({ voice, disabled }) {
  const { speech, conversation, wanted } = voice;
  const state = useCell(conversation?.state ?? off);
  const pressed = useRef({ at: 0, was: false });
  const on = state.mode !== "off";

  const down = () => {
    if (pressed.current.at !== 0) return;
    pressed.current = { at: performance.now(), was: on };
    if (!on) wanted()?.then((opened) => opened.start());
  };
  const up = () => {
    const { at, was } = pressed.current;
    if (at === 0) return;
    pressed.current = { at: 0, was: false };
    if (was || performance.now() - at > held) wanted()?.then((opened) => opened.stop());
  };
  const latest = useRef({ down, up, disabled });
  latest.current = { down, up, disabled };

  useLayoutEffect(() => {
    /** @param {KeyboardEvent} event */
    const key = (event) => {
      if (event.code !== "KeyM" || event.ctrlKey || event.metaKey) return;
      if (event.type === "keyup") return latest.current.up();
      if (!event.altKey) return;
      event.preventDefault();
      if (!event.repeat && !latest.current.disabled) latest.current.down();
    };
    const left = () => latest.current.up();
    addEventListener("keydown", key);
    addEventListener("keyup", key);
    addEventListener("blur", left);
    return () => {
      removeEventListener("keydown", key);
      removeEventListener("keyup", key);
      removeEventListener("blur", left);
    };
  }, []);

  if (!speech) return null;
  const name = on ? "Stop listening" : "Speak your answer";
  return html`<button type="button" class=${`icon-button microphone ${on ? "on" : ""}`} aria-label=${name} aria-keyshortcuts="Alt+M" title=${`${name} (Alt M): press to switch, or hold while you speak`} disabled=${disabled}
    onPointerDown=${(/** @type {PointerEvent} */ event) => {
      if (event.button !== 0) return;
      // The text keeps the focus; a press that slides off the button still ends.
      event.preventDefault();
      /** @type {Element} */ (event.currentTarget).setPointerCapture(event.pointerId);
      down();
    }} onPointerUp=${up} onPointerCancel=${up}
    onClick=${(/** @type {MouseEvent} */ event) => event.detail === 0 && (on ? conversation?.stop() : wanted()?.then((opened) => opened.start()))}>
    <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round">
      <rect x="7" y="2.5" width="6" height="9.5" rx="3" fill=${on ? "currentColor" : "none"} /><path d="M4.500 9.500a5.500 5.500 0 0 0 11 0M10 15v2.500" />
    </svg>
  </button>`;
}

/** The meter, what is going on, and what may be done about it. @param {{ conversation: Conversation, recording: boolean }} props */
export function VoiceLine({ conversation, recording }) {
  const state = useCell(conversation.state);
  const words = told(state);
  return html`
    <p class="sr" role="status">${announced(state)}</p>
    ${state.trouble && html`<${Notice} tone="warn" title=${state.trouble.message} actions=${html`${state.trouble.again && html`<button type="button" class="button small" onClick=${conversation.again}>Try again</button>`}<button type="button" class="button small quiet" onClick=${conversation.forgive}>Close</button>`}>${state.trouble.hint}</${Notice}>`}
    <div class="voice-line" hidden=${words === ""}>
      ${state.mode === "on" && html`<${Level} conversation=${conversation} />`}
      <p class="note">${words}${state.mode === "on" && recording && html` <span class="tag plain">a recording is kept</span>`}</p>
      ${state.sendsIn !== null && html`<button type="button" class="button small" onClick=${conversation.acted}>Not yet</button>`}
      ${state.reading && html`<button type="button" class="button small quiet" onClick=${conversation.reader.stop}>Stop reading</button>`}
    </div>`;
}

/** @param {State} state */
function told({ mode, hearing, pending, reading, say, sendsIn }) {
  if (mode === "asking") return "Waiting for your permission to listen…";
  if (reading) return "Reading the question out. Any key stops it.";
  if (sendsIn !== null) return `Sending in ${sendsIn} s. Speak or press any key to go on.`;
  if (pending > 0 && !hearing) return "Writing down your last words…";
  if (mode === "off") return "";
  if (say === "take-time") return "Take your time, think aloud if it helps.";
  return hearing ? "Hearing you" : speechSettings().handsFree ? "Listening. Say “that is my answer” when you have finished." : "Listening";
}

/** What a screen reader is told: changes of state, not each word or second. @param {State} state */
function announced({ mode, reading, say, sendsIn, pending }) {
  if (reading) return "Reading the question out. Any key stops it.";
  if (sendsIn !== null) return "Sending soon. Speak or press any key to go on.";
  if (say === "take-time") return "Take your time, think aloud if it helps.";
  if (mode === "asking") return "Waiting for your permission to listen.";
  if (mode === "on") return "Listening.";
  return pending > 0 ? "Writing down your last words." : "";
}

/** Redrawn by itself, so that loudness redraws nothing else. @param {{ conversation: Conversation }} props */
function Level({ conversation }) {
  const meter = useRef(/** @type {HTMLMeterElement | null} */ (null));
  useEffect(() => {
    const draw = () => {
      if (meter.current) meter.current.value = conversation.level.get();
    };
    return conversation.level.watch(draw);
  }, [conversation]);
  return html`<meter ref=${meter} min="0" max="1" value="0" aria-label="Loudness"></meter>`;
}
