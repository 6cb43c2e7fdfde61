// Progress out of stored scorecards: trends, attempts at one problem, what has been practised, and what comes next.
// Pure: values in, values out.

/** @typedef {import("./types.js").Summary} Summary */
/** @typedef {import("./types.js").Scorecard} Scorecard */
/** @typedef {{ summary: Summary, card: Scorecard }} Graded */
/** @typedef {{ id: string, title: string, points: { at: string, session: string, title: string, score: number, spread: number, low: boolean }[], unscored: number }} Trend */
/** @typedef {{ dimension: string, title: string, dueInDays: number, why: string, round: import("./types.js").Round }} Due */

export const ids = ["technical", "architectural", "leadership", "pragmatism", "ownership", "communication"];

/** Where a dimension is usually shown. */
export const rounds = /** @type {Record<string, import("./types.js").Round>} */ ({
  technical: "system-design",
  architectural: "system-design",
  leadership: "behavioural",
  pragmatism: "system-design",
  ownership: "behavioural",
  communication: "behavioural",
});

/** Scores of each dimension, oldest first. What was not assessed is counted and never a point. @param {Graded[]} graded @returns {Trend[]} */
export function trends(graded) {
  const inOrder = graded.toSorted((a, b) => a.summary.created_at.localeCompare(b.summary.created_at));
  return ids.map((id) => {
    /** @type {Trend} */
    const trend = { id, title: id, points: [], unscored: 0 };
    for (const { summary, card } of inOrder) {
      const dimension = card.dimensions.find((known) => known.id === id);
      if (!dimension) continue;
      trend.title = dimension.title;
      if (dimension.status !== "scored" || dimension.score === null) trend.unscored += 1;
      else trend.points.push({ at: summary.created_at, session: summary.id, title: summary.title, score: dimension.score, spread: dimension.spread ?? 0, low: dimension.confidence === "low" });
    }
    return trend;
  });
}

/** Problems that were tried more than once, with every overall. @param {Graded[]} graded */
export function attempts(graded) {
  /** @type {Map<string, Graded[]>} */
  const byProblem = new Map();
  for (const one of graded.toSorted((a, b) => a.summary.created_at.localeCompare(b.summary.created_at))) {
    byProblem.set(one.summary.problem, [...(byProblem.get(one.summary.problem) ?? []), one]);
  }
  return [...byProblem.values()].filter((list) => list.length > 1);
}

/** From here a score is a good one: the senior bar. */
const good = 3.5;

/** Days after which even a strong dimension comes back. */
const longest = 60;

/**
 * What to practise next, by spaced repetition: a dimension comes back the sooner the weaker it was, after 1, 3, 7 or 14
 * days, and each further good score in a row doubles the pause; what was never scored is due at once. At most three,
 * most overdue first.
 * @param {Trend[]} trends @param {number} now milliseconds
 * @returns {Due[]}
 */
export function plan(trends, now) {
  return trends
    .map((trend) => {
      const last = trend.points.at(-1);
      const round = rounds[trend.id];
      if (!last) return { dimension: trend.id, title: trend.title, dueInDays: 0, why: trend.unscored > 0 ? "practised, but never shown clearly enough for a score" : "not practised yet", round };
      const row = trend.points.length - 1 - trend.points.findLastIndex((point) => point.score < good);
      const interval = Math.min((last.score < 2.5 ? 1 : last.score < good ? 3 : last.score < 4.25 ? 7 : 14) * 2 ** Math.max(0, row - 1), longest);
      const age = Math.floor((now - new Date(last.at).getTime()) / 86_400_000);
      return { dimension: trend.id, title: trend.title, dueInDays: interval - age, why: `last score ${last.score.toFixed(1)}, ${age === 0 ? "today" : age === 1 ? "yesterday" : `${age} days ago`}${row > 1 ? `, ${row} good ones in a row` : ""}`, round };
    })
    .toSorted((a, b) => a.dueInDays - b.dueInDays)
    .slice(0, 3);
}

/**
 * The dimension with the lowest newest score, as if it were due; what was never scored is not known to be weak.
 * @param {Trend[]} trends @returns {Due | null}
 */
export function weakest(trends) {
  const last = (/** @type {Trend} */ trend) => trend.points.at(-1)?.score ?? Infinity;
  const [trend] = trends.filter((known) => known.points.length > 0).toSorted((a, b) => last(a) - last(b));
  return trend ? { dimension: trend.id, title: trend.title, dueInDays: 0, why: `last score ${last(trend).toFixed(1)}`, round: rounds[trend.id] } : null;
}

/**
 * Something concrete for each due dimension: of its round, and of its dimension where the content says so; first what was
 * never tried, then what was tried longest ago. Nothing is proposed twice.
 * @param {Due[]} due @param {Summary[]} finished @param {import("./types.js").Content | null} content
 * @returns {(Due & { topic: import("./types.js").Topic | null, whyTopic: string })[]}
 */
export function proposals(due, finished, content) {
  /** @type {Set<string>} */
  const taken = new Set();
  return due.map((one) => {
    const all = (one.round === "system-design" ? content?.problems : content?.competencies) ?? [];
    const fitting = all.filter((topic) => topic.dimensions?.includes(one.dimension));
    const last = (/** @type {import("./types.js").Topic} */ topic) => finished.filter((session) => session.problem === topic.id).map((session) => session.created_at).sort().at(-1) ?? "";
    const [topic] = (fitting.length > 0 ? fitting : all).filter((candidate) => !taken.has(candidate.id)).toSorted((a, b) => last(a).localeCompare(last(b)) || (a.difficulty ?? 0) - (b.difficulty ?? 0));
    if (!topic) return { ...one, topic: null, whyTopic: "" };
    taken.add(topic.id);
    return { ...one, topic, whyTopic: last(topic) === "" ? "not tried yet" : `last tried ${last(topic).slice(0, 10)}` };
  });
}

/**
 * How often each topic was finished, and how its newest grade was, in the content's order.
 * @param {import("./types.js").Topic[]} topics @param {Summary[]} finished
 */
export function coverage(topics, finished) {
  return topics.map((topic) => {
    const mine = finished.filter((session) => session.problem === topic.id).toSorted((a, b) => a.created_at.localeCompare(b.created_at));
    return { topic, times: mine.length, last: mine.at(-1)?.created_at ?? null, overall: mine.findLast((session) => session.overall !== null)?.overall ?? null };
  });
}
