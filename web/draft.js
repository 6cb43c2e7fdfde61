// An answer that is never lost: every keystroke is kept in this browser (`kept.js`), a pause in typing goes to the program.
// The program keeps the last draft and lets the model read it ahead; it never becomes a turn by itself.

import { useEffect, useRef, useState } from "./html.js";
import { call } from "./api.js";
import { forget, keep as keepHere, kept } from "./kept.js";
import { forgetScene } from "./scene.js";

const settle = 700;

/** More than the server takes for a draft; far more than an answer may have. Kept in this browser all the same. */
const largest = 128 * 1024;

/** @param {string} id */
const key = (id) => `offrecord.draft.${id}`;

/** @param {string} id */
export function forgetDraft(id) {
  forget(key(id));
}

/** A deleted session leaves nothing in this browser. @param {string} id */
export function forgetSession(id) {
  forgetDraft(id);
  forgetScene(id);
}

/** @param {string} id @param {string} text */
function keep(id, text) {
  if (text === "") return forgetDraft(id);
  // A paste of several megabytes may not fit. It stays in the box, which says it is too long.
  keepHere(key(id), text);
}

/**
 * @param {string} id session
 * @param {string} stored the draft that the server holds
 * @param {boolean} open whether an answer can be written now
 */
export function useDraft(id, stored, open) {
  const [text, setText] = useState(() => kept(key(id)) ?? stored);
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  const sent = useRef(stored);
  const latest = useRef(text);
  latest.current = text;

  /** @param {boolean} leaving */
  const push = (leaving) => {
    clearTimeout(timer.current);
    if (!open || sent.current === latest.current || latest.current.length > largest) return;
    sent.current = latest.current;
    call("PUT", `/api/sessions/${encodeURIComponent(id)}/draft`, { text: latest.current }, { keepalive: leaving }).catch(() => {
      sent.current = "\0";
    });
  };

  /** @param {string} next */
  const write = (next) => {
    setText(next);
    latest.current = next;
    keep(id, next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => push(false), settle);
  };

  /** The answer is stored as a turn: the draft has done its work. */
  const clear = () => {
    clearTimeout(timer.current);
    forgetDraft(id);
    setText("");
    latest.current = "";
    sent.current = "";
  };

  useEffect(() => {
    const leaving = () => push(true);
    addEventListener("pagehide", leaving);
    return () => removeEventListener("pagehide", leaving);
  });

  return { text, write, clear, latest: () => latest.current };
}
