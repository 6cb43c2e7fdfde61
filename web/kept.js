// What this browser keeps of open sessions: drafts and boards, until they are sent or their session is deleted. Where the
// sessions are encrypted nothing of them may lie on the disk, so then it is kept in this page alone.

import { get } from "./api.js";

const kinds = ["offrecord.draft.", "offrecord.board."];

/** Of this page alone. @type {Map<string, string>} */
const here = new Map();

/** Whether the browser's storage may be used; not known before the program has said so. @type {boolean | null} */
let mayStore = null;

const ours = () => Object.keys(localStorage).filter((key) => kinds.some((kind) => key.startsWith(kind)));

/** Sessions that are gone, by whatever way, leave nothing here. @param {string[]} keys @param {{ id: string }[]} sessions */
function forgetAllBut(keys, sessions) {
  const wanted = new Set(sessions.flatMap(({ id }) => kinds.map((kind) => kind + id)));
  for (const key of keys) if (!wanted.has(key)) forget(key);
}

get("/api/status")
  .then((status) => {
    mayStore = status.encrypted !== true;
    const old = ours();
    if (!mayStore) return old.forEach((key) => localStorage.removeItem(key));
    for (const [key, text] of here) store(key, text);
    here.clear();
    return old.length > 0 ? get("/api/sessions").then((sessions) => forgetAllBut(old, sessions)) : undefined;
  })
  // Not signed in, or nobody there: nothing is written until the page is opened anew.
  .catch(() => undefined);

/** @param {string} key @param {string} text */
function store(key, text) {
  try {
    localStorage.setItem(key, text);
    return true;
  } catch {
    // Several megabytes do not fit the browser's storage.
    return false;
  }
}

/** @param {string} key @returns {string | null} */
export function kept(key) {
  return here.get(key) ?? localStorage.getItem(key);
}

/** Whether it could be kept. @param {string} key @param {string} text */
export function keep(key, text) {
  if (mayStore) return store(key, text);
  here.set(key, text);
  return true;
}

/** @param {string} key */
export function forget(key) {
  here.delete(key);
  localStorage.removeItem(key);
}

