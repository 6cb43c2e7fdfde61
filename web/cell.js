// One value that parts of the page can watch, so that a token redraws one paragraph and not the room.

import { useLayoutEffect, useState } from "./html.js";

/**
 * @template T
 * @typedef {{ get: () => T, set: (next: T) => void, watch: (heard: () => void) => () => void }} Cell
 */

/**
 * @template T
 * @param {T} value
 * @returns {Cell<T>}
 */
export function cell(value) {
  /** @type {Set<() => void>} */
  const watchers = new Set();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const heard of [...watchers]) heard();
    },
    watch(heard) {
      watchers.add(heard);
      return () => watchers.delete(heard);
    },
  };
}

/**
 * @template T
 * @param {Cell<T>} watched
 * @returns {T}
 */
export function useCell(watched) {
  const [, redraw] = useState(0);
  useLayoutEffect(() => watched.watch(() => redraw((n) => n + 1)), [watched]);
  return watched.get();
}
