// Canned data for the mock: one session in each state, a full scorecard, models that fit and that do not.

import { readFileSync } from "node:fs";

const minute = 60_000;

const plan = [
  ["open", "Opening", 1],
  ["constraints", "Constraints", 4],
  ["sizing", "Sizing", 2],
  ["high-level", "High-level design", 7],
  ["dive-a", "Deep dive", 6],
  ["change", "A change", 4],
  ["operate", "Operations", 3],
  ["alternatives", "Alternatives", 2],
  ["close", "Close", 1],
].reduce((phases, [id, title, length]) => {
  const starts_ms = phases.at(-1)?.ends_ms ?? 0;
  return [...phases, { id, title, starts_ms, ends_ms: starts_ms + length * minute }];
}, []);

const talk = [
  ["interviewer", "Thirty minutes, one problem, one question at a time. Here it is: our marketplace sends messages to people, and it has outgrown the way it does that. Design what should send them.\n\nWhat would you want to know first?"],
  ["candidate", "Before I draw anything: who receives these, how many a day and at peak, and how late may one be? I'd also like to know whether a lost message is worse than a doubled one."],
  ["interviewer", "Forty million people, about 120 million messages a day, with a peak of 9,000 a second after a sale opens. You asked whether a loss is worse than a double. What would change in your design between the two?"],
  ["candidate", "If loss is worse, I take **at-least-once** delivery and make the send idempotent:\n\n1. each message gets an id from the caller,\n2. the sender stores the id before it calls the provider,\n3. a retry with a known id is dropped.\n\nIf a double is worse I would drop the retry and accept loss. For receipts I'd take the first, for marketing the second. So the class of a message decides, and I'd keep the classes on separate queues: `transactional` and `bulk`."],
  ["interviewer", "You keep them on separate queues. Walk one receipt from the order service to the phone."],
  ["candidate", "The order service writes the order and an outbox row in one transaction. A relay reads the outbox and puts the message on the transactional queue. A worker takes it, looks up the preferences (cached, 60 s), renders the template, checks the idempotency table, calls the push provider, and writes the result. On a 5xx it goes to a retry queue with backoff and jitter, five times, then to a dead-letter queue that pages nobody at night but shows on a board."],
];

const turns = talk.map(([role, text], seq) => ({ seq, role, text, at_ms: Math.round((0.2 + seq * 2.1) * minute) }));

const base = {
  round: "system-design",
  level: "senior",
  problem: "notifications",
  title: "Messages to forty million people",
  minutes: 30,
  mode: "realistic",
  plan,
  document: null,
  coach: {},
  notes: null,
  model_answer: null,
  hints: [],
  next_hint_cost: "this topic’s evidence is worth at most 4",
  draft: "",
  replying: null,
  scorecards: [],
  overall: null,
};

const clock = (used, running) => ({ elapsed_ms: used * minute, total_ms: 30 * minute, running });

export const hint = { topic: "retry-storm", rung: 2, text: "Look at what happens to the provider when all retries come at once.", cost: "this topic’s evidence is worth at most 4", seq: 6 };

const followUp = {
  seq: 6,
  role: "interviewer",
  text: "A retry queue with backoff and jitter, five times. The provider is down for ten minutes at the peak. What does your retry queue look like when it comes back?",
  at_ms: 12.9 * minute,
};

export function sessions() {
  const active = { ...base, id: "active", status: "active", created_at: "2026-11-24T07:00:00Z", phase: "high-level", clock: clock(13.2, true), turns: [...turns, followUp], next_seq: 7 };
  const long = Array.from({ length: 200 }, (_, seq) => ({ seq, role: talk[seq % 6][0], text: `${talk[seq % 6][1]} (${seq})`, at_ms: seq * 9000 }));
  return structuredClone([
    { ...base, id: "older", status: "finished", created_at: "2026-11-03T18:20:00Z", phase: "close", clock: clock(30, false), turns: [...turns, followUp], next_seq: 7, scorecards: [1, 2], overall: 2.9, notes, interviewer_notes: interviewerNotes, model_answer: modelAnswer, boards: { 3: "On the whiteboard: Users (client), LB (load balancer), Post service. Users → LB.", 5: "New on the whiteboard: Redis (cache). Redirect API → Redis: lookup." } },
    { ...base, id: "story", round: "behavioural", level: "staff", problem: "influence", title: "Influence without authority", status: "finished", created_at: "2026-11-12T19:05:00Z", phase: "close", clock: clock(29, false), turns: [...turns, followUp], next_seq: 7, scorecards: [1], overall: 3.4 },
    { ...base, id: "ungraded", status: "finished", created_at: "2026-11-20T19:05:00Z", phase: "close", clock: clock(29, false), turns: [...turns, followUp], next_seq: 7 },
    { ...base, id: "paused", round: "behavioural", problem: "incident", title: "An incident that you owned", status: "paused", created_at: "2026-11-22T06:40:00Z", phase: "constraints", clock: clock(4.5, false), turns: turns.slice(0, 3), next_seq: 3, next_hint_cost: null, draft: "It was the Friday before" },
    { ...base, id: "review", problem: "review-ledger", title: "Review: a ledger migration", status: "active", created_at: "2026-11-23T06:40:00Z", phase: "constraints", clock: clock(3, true), turns: turns.slice(0, 1), next_seq: 1, document: reviewDocument },
    { ...base, id: "coach", mode: "coach", title: "Messages to forty million people", status: "active", created_at: "2026-11-23T07:40:00Z", phase: "high-level", clock: clock(27.6, true), turns: [...turns, followUp], next_seq: 7, hints: [{ ...hint }], coach: { 3: "You tied the choice to the class of message, which is what was asked. Say the number that decides it: how many doubles a day would be accepted." } },
    { ...base, id: "long", status: "active", created_at: "2026-11-23T09:40:00Z", phase: "high-level", clock: clock(13, true), turns: long, next_seq: 200 },
    { ...base, id: "answered", status: "active", created_at: "2026-11-23T10:40:00Z", phase: "high-level", clock: clock(13, true), turns, next_seq: 6, replying: 6 },
    active,
  ]);
}

export function fresh(wanted, id) {
  const { round, level, minutes, mode } = wanted;
  const scale = minutes / 30;
  return structuredClone({
    ...base, id, round, level, minutes, mode, status: "active", created_at: new Date().toISOString(), phase: "open", problem: wanted.problem ?? "notifications",
    plan: plan.map((phase) => ({ ...phase, starts_ms: phase.starts_ms * scale, ends_ms: phase.ends_ms * scale })),
    clock: { elapsed_ms: 0, total_ms: minutes * minute, running: true }, turns: turns.slice(0, 1), next_seq: 1,
  });
}

const questions = [
  "You said “the sender stores the id before it calls the provider”. What happens when the worker dies between those two steps?",
  "The budget has just been halved. What changes first in what you have drawn, and what stays?",
];

/** @param {number} said how many turns there are */
export const next = (said) => questions[said <= 6 ? 0 : 1];

export const status = {
  version: "0.1.0", url: "http://127.0.0.1:7447", network: "off, except while you pull a model", offline: false, pid: 4242,
  data_dir: "/home/sam/.local/share/offrecord", models_dir: "/home/sam/.local/share/offrecord/models",
  model: { state: "ready", id: "qwen2.5-coder-1.5b-instruct-q4_k_m", sha256: "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046", architecture: "qwen2", quantisation: "Q4_K_M", context: 8192, threads: 8, kernel: "avx2" },
};

export const speech = {
  input: { available: true, model: "whisper-base", models: [{ id: "whisper-tiny.en", name: "Whisper tiny, English", bytes: 77_000_000, installed: false }, { id: "whisper-base", name: "Whisper base", bytes: 145_000_000, installed: true }], hint: null },
  output: { available: true, engine: "espeak-ng", voices: [{ id: "en-gb", name: "English (Britain)", language: "en-GB" }, { id: "en-us", name: "English (America)", language: "en-US" }] },
};

export const delivery = {
  answers: [{ turn: 1, speaking_ms: 14_200, first_word_ms: 3100, words: 38, words_per_minute: 160.6, longest_ms: 9800, edited: false }, { turn: 3, speaking_ms: 61_400, first_word_ms: 6400, words: 118, words_per_minute: 115.3, longest_ms: 40_100, edited: true }],
  talk_ratio: 0.41, longest_ms: 40_100,
};

export const recordings = [{ turn: 1, bytes: 454_444, audio_ms: 14_200 }, { turn: 3, bytes: 1_964_844, audio_ms: 61_400 }];

export const content = {
  problems: [
    { id: "notifications", title: "Messages to forty million people", theme: "messaging", difficulty: 2, kind: "design" },
    { id: "ledger", title: "Money that must not get lost", theme: "payments", difficulty: 3, kind: "design" },
    { id: "limiter", title: "Keeping one customer from hurting the rest", theme: "rate-limiting", difficulty: 1, kind: "design" },
    { id: "search", title: "Finding a product while the catalogue changes", theme: "search", difficulty: 2, kind: "design" },
    { id: "metrics", title: "Knowing that something is wrong", theme: "observability", difficulty: 2, kind: "design" },
    { id: "review-ledger", title: "Review: a ledger migration", theme: "review", difficulty: 3, kind: "review" },
  ],
  competencies: [
    { id: "influence", title: "Influence without authority", dimensions: ["leadership", "communication"] },
    { id: "incident", title: "An incident that you owned", dimensions: ["ownership", "technical"] },
    { id: "debt", title: "Debt against shipping", dimensions: ["pragmatism"] },
    { id: "mentoring", title: "Making somebody better", dimensions: ["leadership"] },
  ],
  rubric: {
    version: "1",
    dimensions: ["technical", "architectural", "leadership", "pragmatism", "ownership", "communication"].map((id) => ({
      id,
      anchors: [
        "Core claims are wrong and stay wrong when the consequence is pointed out.",
        "Names technologies in place of reasons; depth ends at the first “how”.",
        "Right mechanisms for the common path, blurred on failure, consistency or numbers.",
        "Explains mechanism, limit and failure of the parts chosen; an estimate changes a decision.",
        "As 4 in two areas; predicts the non-obvious and says how to test it.",
      ],
    })),
  },
};

export const models = [
  { id: "qwen2.5-coder-1.5b-instruct-q4_k_m", title: "Qwen2.5 Coder 1.5B", installed: true, fits: true, size: 1_117_320_768, memory: 1_900_000_000, parameters: "1.5 B", quantisation: "Q4_K_M", licence: "Apache-2.0", context: 32768, tested: true, agreement: { data: "72 written interviews", labels: 359, kappa: [0.47, 0.38, 0.54], within_one: 0.66, measured: "2026-11-24", command: "offrecord bench grading --golden" }, speed: { model: "m", reads: 212.4, writes: 9.31, at: 1_795_500_000 } },
  { id: "smollm2-135m-instruct-q4_1", title: "SmolLM2 135M", installed: true, fits: true, size: 98_362_432, memory: 300_000_000, parameters: "135 M", quantisation: "Q4_1", licence: "Apache-2.0", context: 8192, tested: true },
  { id: "qwen2.5-coder-0.5b-instruct-q4_k_m", title: "Qwen2.5 Coder 0.5B", installed: false, fits: true, size: 491_400_064, memory: 900_000_000, parameters: "0.5 B", quantisation: "Q4_K_M", licence: "Apache-2.0", context: 32768, tested: true },
  { id: "qwen3-8b-q4_k_m", title: "Qwen3 8B", installed: false, fits: false, reason: "Needs 7.4 GB of memory; 5.1 GB are free.", size: 5_030_000_000, memory: 7_400_000_000, parameters: "8 B", quantisation: "Q4_K_M", licence: "Apache-2.0", context: 32768, tested: false },
];

const quote = (turn, text) => {
  const start = Array.from(talk[turn][1].slice(0, talk[turn][1].indexOf(text))).length;
  return { turn, quote: text, start, end: start + Array.from(text).length };
};

const scored = (id, title, score, spread, distribution, more = {}) => ({
  id, title, core: true, status: "scored", score, spread, distribution, confidence: "normal", evidence: [], caps: [], gap: null, anchor_missed: null, drill: null, staff_note: null, checklist: [], ...more,
});

export const scorecard = {
  version: 1,
  session: "older",
  overall: { score: 3.12, level_reading: "below_senior", note: "Mean 3.12 of 5 dimensions, under the bar (senior bar: mean of 3.5 or more and no core dimension under 3). Not assessed: Leadership and influence. The scale is uncalibrated: a proposal, not a measurement." },
  dimensions: [
    scored("technical", "Technical depth and breadth", 3.6, 0.4, { 1: 0.01, 2: 0.06, 3: 0.38, 4: 0.47, 5: 0.08 }, {
      evidence: [
        { ...quote(3, "the sender stores the id before it calls the provider"), sign: "+", anchor: 4, item: "idempotency", ask: "Does the candidate say how a repeated send is recognised?", strength: 0.9 },
        { ...quote(5, "On a 5xx it goes to a retry queue with backoff and jitter"), sign: "+", anchor: 3, item: "retry", ask: "Does the candidate bound retries?", strength: 0.7 },
      ],
      gap: "You bounded the retries but not what comes back at once when the provider recovers.",
      anchor_missed: { level: 5, text: "Predicts the non-obvious (hot keys, tail latency, retries making overload worse) and says how to test it." },
      drill: "Take one queue you run today and write down what it holds after a ten-minute outage at peak, in numbers.",
      staff_note: "A staff answer would have set a budget for retries across all callers.",
    }),
    scored("architectural", "Architectural thinking", 2.9, 0.6, { 1: 0.04, 2: 0.24, 3: 0.52, 4: 0.18, 5: 0.02 }, {
      evidence: [{ ...quote(1, "who receives these, how many a day and at peak, and how late may one be"), sign: "+", anchor: 3, item: "constraints", ask: "Does the candidate ask for scale?", strength: 0.95 }],
      caps: [{ rule: "no-trade-off", effect: "Architectural thinking at most 3", limit: 3, reason: "No trade-off with a named alternative was found in your answers." }],
      gap: "You chose an outbox and two queues and named no alternative to either.",
      anchor_missed: { level: 4, text: "At least two options on the key decisions with a reason to choose." },
      drill: "For your next design, say one rejected option aloud for each box that you draw, and what would make you take it after all.",
      staff_note: "A staff answer would have said which of these choices is hard to undo.",
    }),
    { ...scored("leadership", "Leadership and influence", null, null, null), core: false, status: "not_assessed", confidence: null, reason: { code: "too-little-evidence", message: "Fewer than two usable pieces of evidence; this is normal in a system-design round." } },
    scored("pragmatism", "Pragmatism", 2.4, 1.3, { 1: 0.18, 2: 0.4, 3: 0.28, 4: 0.12, 5: 0.02 }, {
      confidence: "low",
      evidence: [{ ...quote(5, "that pages nobody at night but shows on a board"), sign: "-", anchor: 2, item: "cost", ask: "Does the candidate weigh the cost of a page?", strength: 0.5 }],
      gap: "Five parts were there before a number asked for them; what could wait was never said.",
      anchor_missed: { level: 4, text: "Begins with the simplest thing meeting the numbers; says what is put off and the sign to revisit." },
      drill: "Start the next design with one process and one table. Add a part only after saying the number that the smaller design misses.",
      staff_note: "A staff answer would have tied the first version to what the sale in four weeks needs.",
    }),
    scored("ownership", "Ownership and accountability", 3.2, 0.5, { 1: 0.02, 2: 0.16, 3: 0.46, 4: 0.32, 5: 0.04 }, { core: false, gap: "Who is paged was said, how the data is repaired was not.", drill: "Write the run-book line for the dead-letter queue." }),
    scored("communication", "Communication and clarity", 3.5, 0.3, { 1: 0.01, 2: 0.08, 3: 0.41, 4: 0.44, 5: 0.06 }, { gap: "The walk through one receipt was one long sentence.", drill: "Say the headline first, then three steps." }),
  ],
  contradictions: [{ reason: "One says that a loss is worse, the other that loss is accepted.", first: quote(3, "If loss is worse, I take **at-least-once** delivery"), second: quote(3, "I would drop the retry and accept loss") }],
  hints: [hint],
  refused_turns: [{ turn: 1, code: "too-short", message: "Fewer than 15 words: not sent to the grader." }],
  interviewer_report: { turns: 4, questions_per_turn: 1, double: [], yes_no: [4], leading: [], over_long: [], repeated: [], praise: [], spare: [2, 4], quoting: 0.67, parts: [["constraints", 240, 260, 2], ["sizing", 120, 70, 1], ["high-level", 420, 560, 2], ["dive-a", 360, 300, 1], ["change", 240, 0, 0], ["operate", 180, 210, 1], ["alternatives", 120, 90, 1], ["close", 60, 40, 1]].map(([stage, planned_s, held_s, questions]) => ({ stage, planned_s, held_s, questions })), hints: 1, facts: 2 },
  provenance: { version: "0.1.0", model: "qwen2.5-coder-1.5b-instruct-q4_k_m", model_sha256: "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046", quant: "Q4_K_M", prompt_sha256: "5b0f0d1d0f3a7bfa9b6d3f9f2ae0b0a1c1c2d7a55d0e7c6f1b2a3948576655443", rubric_version: "1", calibration_sha256: null, seed: 7, threads: 8, kernel: "avx2", cpu: "an example processor" },
};

const notes = {
  1: { class: "asks", covered: [{ id: "users", quote: "who receives these, how many a day and at peak" }], flags: [], next: { why: "a question: answered from the sheet", held_back: ["whether order matters", "the pace"] } },
  3: { class: "strong", covered: [{ id: "delivery", quote: "the sender stores the id before it calls the provider" }], flags: [{ id: "early", quote: "separate queues" }], next: { why: "one path end to end has not been walked yet", held_back: ["retries that come all at once"] } },
};

const interviewerNotes = [
  { seq: 1, heard: "asks for facts", covered: [{ what: "who receives the messages, and how many", quote: "who receives these, how many a day and at peak" }], not_heard: [], flags: [], contradiction: null, asked_about: null, why: "a question: answered from the sheet", held_back: ["whether order matters", "the pace of growth"], worded: "a hand-written question, chosen by code", parked: 1, engine_trouble: null },
  { seq: 3, heard: "covers what was asked, with a mechanism or a number", covered: [{ what: "how a repeated send is recognised", quote: "the sender stores the id before it calls the provider" }, { what: "what a double costs", quote: "" }], not_heard: ["what happens when the id is stored and the call fails"], flags: [{ what: "Parts before a number asked for them cost time later.", quote: "separate queues" }], contradiction: { earlier_seq: 1, earlier: "how late may one be", now: "accept loss", of_resume: false, p_yes: 0.7 }, asked_about: "one path end to end", why: "one path end to end has not been walked yet", held_back: ["retries that come all at once"], worded: "the model's own words, after every check", parked: 0, engine_trouble: null },
  { seq: 5, heard: "an ordinary answer", covered: [], not_heard: [], flags: [], contradiction: null, asked_about: "retries that come all at once", why: "it is the weak place of what was drawn", held_back: [], worded: "a hand-written question, chosen with the model's help", parked: 0, engine_trouble: "The model was busy; the answer was read by rules alone." },
];

const modelAnswer = "Start with **one queue per class** and a worker pool.\n\n| Part | Why |\n|---|---|\n| Outbox | the order and its message are one fact |\n| Idempotency table | a retry must not double |\n\nThen bound the retries by a *budget across callers*, not per message.";

const reviewDocument = "# Moving the ledger to the new store\n\n**Author:** payments team · **State:** ready for review\n\n## Plan\n\n1. Stop writes at 02:00 on Sunday.\n2. Copy all rows with the script below.\n3. Switch the connection string and start writes.\n\n```sql\nINSERT INTO new.ledger SELECT * FROM old.ledger WHERE created_at < now();\n```\n\n## Risk\n\nLow. The copy took 40 minutes in staging, with a tenth of the rows. If something is wrong we switch back.\n\n## Cost\n\nNone.\n";

const measured = (value, half = 0.05) => ({ value, low: value - half, high: value + half });

export const runs = [
  { id: "2026-11-24-1.5b", at: 1_795_500_000, status: "success", report: true, provenance: { model: "qwen2.5-coder-1.5b-instruct-q4_k_m" }, datasets: { mohler: { n: 240, qwk: measured(0.61), pearson: measured(0.66), mae: measured(0.14, 0.01) } } },
  { id: "2026-11-20-0.5b", at: 1_795_200_000, status: "partial", report: true, provenance: { model: "qwen2.5-coder-0.5b-instruct-q4_k_m" }, datasets: { mohler: { n: 240, qwk: measured(0.48), pearson: measured(0.52), mae: measured(0.19, 0.01) } } },
  { id: "broken", at: 1_795_100_000, status: "unreadable", reason: "EOF while parsing", report: false },
];

export const comparison = { items: 240, datasets: { mohler: { pearson: { a: 0.52, b: 0.66, difference: measured(0.14), regression: false }, mae: { a: 0.14, b: 0.19, difference: measured(0.05, 0.02), regression: true } } } };

const drawing = (name) => JSON.parse(readFileSync(new URL(`../fixtures/boards/${name}.excalidraw`, import.meta.url), "utf8"));

export const boards = () => ({ "older/3": drawing("13-feed-fanout"), "older/5": drawing("01-link-shortener") });
