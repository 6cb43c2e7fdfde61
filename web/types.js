// The shapes that the server sends, as types only. Their source is src/interview/session.rs and docs/CONTRACTS.
// A field may be missing when the server is older; the page shows nothing in its place and never a made-up value.

/** @typedef {"system-design" | "behavioural"} Round */
/** @typedef {"senior" | "staff"} Level */
/** @typedef {"coach" | "realistic"} Mode */
/** @typedef {"active" | "paused" | "finished"} Status */

/** @typedef {{ seq: number, role: "interviewer" | "candidate", text: string, at_ms?: number }} Turn */
/** @typedef {{ id: string, title: string, starts_ms: number, ends_ms: number }} Phase */
/** @typedef {{ elapsed_ms: number, total_ms: number, running: boolean, received?: number }} Clock `received`: the page's own clock when it came */
/** @typedef {{ topic: string, rung: number, text: string, cost: string, seq: number }} Hint */

/**
 * A line of the history.
 * @typedef {{ id: string, round: Round, level: Level, problem: string, title: string, minutes: number, status: Status,
 *   created_at: string, overall: number | null }} Summary
 */

/** @typedef {{ what: string, quote: string }} Observed */
/** @typedef {{ earlier: string, now: string, earlier_seq?: number, of_resume?: boolean }} Clash */

/**
 * What the interviewer noted on one answer, in words; src/interview/debrief.rs.
 * @typedef {{ seq: number, heard: string, covered: Observed[], not_heard: string[], flags: Observed[], contradiction: Clash | null,
 *   asked_about: string | null, why: string, held_back: string[], worded: string, parked: number, engine_trouble: string | null }} TurnNotes
 */

/**
 * A session as the room shows it.
 * @typedef {Summary & { mode: Mode, plan: Phase[], phase: string, clock: Clock, turns: Turn[], next_seq: number,
 *   replying: number | null, leaves_for?: string | null, hints: Hint[], next_hint_cost: string | null, draft: string, document: string | null,
 *   boards?: Record<string, string>,
 *   coach: Record<string, string>, scorecards: number[], notes: any, interviewer_notes?: TurnNotes[] | null,
 *   model_answer: string | null, delivery?: Delivery | null, record?: boolean, recordings?: Recording[] }} Session
 */

/** @typedef {{ round: Round, level: Level, problem?: string, minutes: number, mode: Mode, resume?: string, posting?: string, record?: boolean }} NewSession */

/** @typedef {{ turn: number, speaking_ms: number, first_word_ms: number, words: number, words_per_minute: number | null, longest_ms: number, edited: boolean }} SpokenAnswer */
/** @typedef {{ answers: SpokenAnswer[], talk_ratio: number | null, longest_ms: number }} Delivery facts of speaking, never graded */
/** @typedef {{ turn: number, bytes: number, audio_ms: number }} Recording */
/** @typedef {{ heard: string, speaking_ms: number, first_word_ms: number, longest_ms: number }} Spoken what goes with a spoken answer */
/**
 * @typedef {{ input: { available: boolean, model?: string | null, models?: { id: string, name: string, bytes: number, installed: boolean }[], hint?: string | null },
 *   output: { available: boolean, engine?: string | null, voices?: { id: string, name: string, language: string }[] } }} SpeechStatus
 */

/** @typedef {{ turn: number, quote: string, start: number, end: number }} Quote offsets in characters, not in UTF-16 units */
/** @typedef {Quote & { sign: "+" | "-", anchor: number, item: string, ask: string, strength: number }} Evidence */
/** @typedef {{ rule: string, effect: string, limit: number, reason: string, quote?: Quote }} Cap */
/** @typedef {{ id: string, ask: string, sign: "+" | "-", anchor: number, p_yes: number | null, strength: number }} ItemReading */

/**
 * @typedef {{ id: string, title: string, core: boolean, status: "scored" | "not_assessed", reason?: { code: string, message: string },
 *   score: number | null, distribution: Record<string, number> | null, spread: number | null, confidence: "normal" | "low" | null,
 *   evidence: Evidence[], caps: Cap[], gap: string | null, anchor_missed: { level: number, text: string } | null,
 *   drill: string | null, staff_note: string | null, checklist: ItemReading[] }} Dimension
 */

/** @typedef {{ reason: string, first: Quote, second: Quote }} Contradiction */
/** @typedef {{ turn: number, code: string, message: string, quote?: Quote }} RefusedTurn */

/**
 * @typedef {{ version: number, session: string | null,
 *   overall: { score: number | null, level_reading: "no_verdict" | "below_senior" | "senior", note: string },
 *   dimensions: Dimension[], contradictions: Contradiction[], hints: Hint[], refused_turns: RefusedTurn[],
 *   interviewer_report: any, dispute?: string, provenance: Record<string, any> }} Scorecard
 */

/**
 * @typedef {{ data: string, labels: number, kappa: [number, number, number], within_one: number, note?: string, measured: string, command: string }} Agreement
 */

/**
 * @typedef {{ id: string, title?: string, installed: boolean, agreement?: Agreement | null, fits?: boolean, reason?: string, default?: boolean, active?: boolean,
 *   size?: number, memory?: number, parameters?: string, quantisation?: string, licence?: string, context?: number,
 *   speed?: { reads: number, writes: number, at: number } | null, architecture?: string, tested?: boolean, sha256?: string, source?: string }} Model
 */

/** @typedef {{ how: string, text: string }} HiddenText a piece of a document that its reader does not see */

/** @typedef {{ id: string, title: string, theme?: string, difficulty?: number, dimensions?: string[] }} Topic */
/** @typedef {{ id: string, title: string, anchors?: string[] }} RubricDimension */
/** @typedef {{ problems: Topic[], competencies: Topic[], rubric?: { version?: string, dimensions: RubricDimension[] } }} Content */

export {};
