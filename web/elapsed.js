// Interview time used by now: the server's count, carried on by this page while the clock runs.

/** @param {import("./types.js").Clock} clock @returns {number} milliseconds */
export function elapsed(clock) {
  return clock.elapsed_ms + (clock.running && clock.received !== undefined ? performance.now() - clock.received : 0);
}
