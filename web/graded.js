// Every finished session with its newest scorecard: what progress is computed from.

import { get } from "./api.js";

/** @typedef {import("./types.js").Summary} Summary */

/** @param {AbortSignal} [signal] @returns {Promise<{ graded: import("./progress.js").Graded[], finished: Summary[] }>} */
export async function readGraded(signal) {
  /** @type {Summary[]} */
  const all = await get("/api/sessions", signal);
  const finished = all.filter((session) => session.status === "finished");
  /** @type {import("./progress.js").Graded[]} */
  const graded = [];
  for (const summary of finished) {
    const path = `/api/sessions/${encodeURIComponent(summary.id)}`;
    const newest = (await get(path, signal)).scorecards.at(-1);
    if (newest !== undefined) graded.push({ summary, card: await get(`${path}/scorecards/${newest}`, signal) });
  }
  return { graded, finished };
}
