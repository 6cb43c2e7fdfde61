// Numbers, dates and ids in a reader's words.

/** @param {number} ms */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A bare unit is read aloud badly, so screen readers get words. @param {number} ms */
export function spokenMinutes(ms) {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  return minutes === 1 ? "1 minute" : `${minutes} minutes`;
}

/** @param {number} bytes */
export function bytes(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(bytes >= 1e10 ? 0 : 1)} GB`;
  if (bytes >= 1e6) return `${Math.round(bytes / 1e6)} MB`;
  return `${Math.round(bytes / 1e3)} kB`;
}

/** @param {number} n */
export const count = (n) => n.toLocaleString("en-GB");

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** @param {string} instant RFC 3339 */
export function when(instant) {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return instant;
  return `${day.format(date)}, ${time.format(date)}`;
}

const nearDay = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** As `when`, without the year that is now. @param {string} instant RFC 3339 */
export function recently(instant) {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime()) || date.getFullYear() !== new Date().getFullYear()) return when(instant);
  return `${nearDay.format(date)}, ${time.format(date)}`;
}

const words = /** @type {Record<string, string>} */ ({
  "system-design": "System design",
  behavioural: "Behavioural",
  senior: "Senior",
  staff: "Staff",
  coach: "Coach",
  realistic: "Realistic",
  active: "In progress",
  paused: "Paused",
  finished: "Finished",
  technical: "Technical depth and breadth",
  architectural: "Architectural thinking",
  leadership: "Leadership and influence",
  pragmatism: "Pragmatism",
  ownership: "Ownership and accountability",
  communication: "Communication and clarity",
  no_verdict: "No verdict",
  below_senior: "Below the senior bar",
  "rate-limiting": "Rate limiting",
  "ml-serving": "ML serving",
  iot: "IoT",
  "multi-tenant": "Multi-tenant",
});

/** An id as a reader sees it. @param {string} id */
export function label(id) {
  return words[id] ?? (id.charAt(0).toUpperCase() + id.slice(1)).replaceAll(/[-_]/g, " ");
}

/** @param {number | null | undefined} score */
export const score = (score) => (typeof score === "number" ? score.toFixed(1) : "–");

/** @param {string} text */
export const utf8Length = (text) => new TextEncoder().encode(text).length;
