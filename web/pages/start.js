// Choosing an interview. Everything has a sensible default, so that one key starts.

import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../html.js";
import { ApiError, call } from "../api.js";
import { label, recently } from "../format.js";
import { rounds } from "../progress.js";
import { go } from "../router.js";
import { recordingWanted } from "../speech_status.js";
import { useFetched } from "../use.js";
import { Choice } from "../parts/choice.js";
import { WillLeave } from "../parts/elsewhere.js";
import { Failure } from "../parts/notice.js";
import { ModelLine } from "../parts/model_line.js";
import { PasteBox } from "../parts/paste_box.js";
import { isTyping } from "../parts/shortcuts.js";
import { TopicPicker } from "../parts/topic_picker.js";
import { useWeakest } from "../parts/weakest.js";

/** @typedef {import("../types.js").NewSession} NewSession */

const remembered = "offrecord.start";

/** @returns {NewSession} */
function lastChoice() {
  const first = { round: "system-design", level: "senior", minutes: 30, mode: "realistic" };
  try {
    return { ...first, ...JSON.parse(localStorage.getItem(remembered) ?? "{}") };
  } catch {
    return /** @type {NewSession} */ (first);
  }
}

/** @param {{ dimension?: string, topic?: string }} props what to practise, when the progress page sent the person here */
export function Start({ dimension, topic: proposed }) {
  const [choice, setChoice] = useState(() => {
    const last = lastChoice();
    return dimension && rounds[dimension] ? { ...last, round: rounds[dimension] } : last;
  });
  const [problem, setProblem] = useState(/** @type {string | null} */ (null));
  const [papers, setPapers] = useState({ resume: "", posting: "" });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const content = useFetched("/api/content");
  const sessions = useFetched("/api/sessions");
  const status = /** @type {any} */ (useFetched("/api/status").value);
  const hosts = status?.leaves_for;
  const missing = ["missing", "absent"].includes(status?.model?.state);

  /** @param {Partial<NewSession>} part */
  const pick = (part) => {
    setChoice((old) => ({ ...old, ...part }));
    if (part.round) setProblem(null);
  };

  const start = async () => {
    if (busy) return;
    if (missing) return go("/models");
    setBusy(true);
    setError(null);
    localStorage.setItem(remembered, JSON.stringify(choice));
    /** @type {NewSession} */
    const wanted = { ...choice };
    if (problem) wanted.problem = problem;
    if (papers.resume.trim()) wanted.resume = papers.resume.trim();
    if (papers.posting.trim()) wanted.posting = papers.posting.trim();
    if (recordingWanted()) wanted.record = true;
    try {
      const session = await call("POST", "/api/sessions", wanted);
      go(`/sessions/${session.id}`);
    } catch (cause) {
      setBusy(false);
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
    }
  };

  // What is shown is what a quick key starts, and it may come with the first paint.
  const latest = useRef(start);
  latest.current = start;
  useLayoutEffect(() => {
    /** @param {KeyboardEvent} event */
    const pressed = (event) => {
      const target = /** @type {Element} */ (event.target);
      const elsewhere = isTyping(target) || target.closest?.("a, button, summary, dialog, [role=option]");
      if (event.key === "Enter" && !event.defaultPrevented && !elsewhere) latest.current();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);

  const topics = useMemo(() => {
    const known = /** @type {import("../types.js").Content | null} */ (content.value);
    return (choice.round === "system-design" ? known?.problems : known?.competencies) ?? [];
  }, [content.value, choice.round]);

  useEffect(() => {
    if (topics.some((topic) => topic.id === proposed)) setProblem(proposed ?? null);
    else if (dimension && choice.round === "behavioural") setProblem(topics.find((topic) => topic.dimensions?.[0] === dimension)?.id ?? null);
  }, [topics]);

  const weakest = useWeakest(content.value);
  /** @type {import("../types.js").Summary[]} */
  const list = Array.isArray(sessions.value) ? sessions.value : (/** @type {any} */ (sessions.value)?.sessions ?? []);
  const unfinished = list.filter((session) => session.status !== "finished").slice(0, 3);
  const scored = list.some((session) => session.overall !== null);

  const failure = error ?? weakest.refused ?? content.error ?? sessions.error;
  return html`<div class="page start">
    <div class="start-main">
      <h1>Practise a senior interview, off the record</h1>
      <p class="lead">One question at a time, follow-ups on your own words, and a scorecard with quotations.${hosts ? "" : " It all runs on this machine."}</p>
      ${dimension && html`<p class="for">To practise: <strong>${label(dimension)}</strong> <a class="note" href="#/progress">Why</a></p>`}
      ${unfinished[0] && html`<a class="resume go-on" href=${`#/sessions/${unfinished[0].id}`}><strong>Go on: ${unfinished[0].title}</strong><span>${label(unfinished[0].round)}, ${unfinished[0].minutes} min · ${recently(unfinished[0].created_at)}</span></a>`}
      <form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), start())}>
        <${Choice} legend="Round" name="round" value=${choice.round} onPick=${(/** @type {any} */ round) => pick({ round })} options=${roundChoices} />
        <${TopicPicker} topics=${topics} value=${problem} onPick=${setProblem} round=${choice.round} onWeakest=${scored ? weakest.choose : undefined} />
        <div class="trio">
          <${Choice} legend="Level" name="level" value=${choice.level} onPick=${(/** @type {any} */ level) => pick({ level })} options=${levels} />
          <${Choice} legend="Minutes" name="minutes" value=${choice.minutes} onPick=${(/** @type {any} */ minutes) => pick({ minutes })} options=${lengths} />
          <${Choice} legend="Feedback" name="mode" value=${choice.mode} onPick=${(/** @type {any} */ mode) => pick({ mode })} options=${modes} />
        </div>
        <div class="papers">
          <${PasteBox} name="resume" title="Résumé" note="Questions go by what you have done." value=${papers.resume}
            onWrite=${(/** @type {string} */ resume) => setPapers((old) => ({ ...old, resume }))} />
          <${PasteBox} name="posting" title="Job posting" note="Questions go by what the role asks for." value=${papers.posting}
            onWrite=${(/** @type {string} */ posting) => setPapers((old) => ({ ...old, posting }))} />
        </div>
        ${failure && html`<${Failure} error=${failure} />`}
        <${WillLeave} hosts=${hosts} />
        <div class="start-foot">
          <button type="submit" class="button primary large" disabled=${busy}>${missing ? "Choose a model first" : busy ? "Starting…" : "Start interview"} <kbd>Enter</kbd></button>
          <${ModelLine} />
        </div>
      </form>
    </div>
    <${Aside} unfinished=${unfinished} />
  </div>`;
}

/** @param {{ unfinished: import("../types.js").Summary[] }} props */
function Aside({ unfinished }) {
  return html`<aside class="start-aside" aria-label="Unfinished interviews and what to expect">
    ${unfinished.length > 0 &&
    html`<section class="unfinished">
      <h2>Go on where you stopped</h2>
      <ul class="plain-list">
        ${unfinished.map(
          (session) => html`<li>
            <a class="resume" href=${`#/sessions/${session.id}`}>
              <strong>${session.title}</strong>
              <span>${label(session.round)}, ${session.minutes} min · ${recently(session.created_at)}</span>
            </a>
          </li>`,
        )}
      </ul>
    </section>`}
    <section>
      <h2>What to expect</h2>
      <ol class="steps">
        <li><strong>A vague question.</strong> Ask what you need to know, or say what you assume.</li>
        <li><strong>Follow-ups, no praise.</strong> The interviewer hangs each question on your words. A hint shows its cost before you take it.</li>
        <li><strong>Six dimensions, with evidence.</strong> Every score carries a quotation of yours. What was not shown is not scored.</li>
      </ol>
    </section>
  </aside>`;
}

const roundChoices = [
  { value: "system-design", label: "System design", note: "One open problem: constraints, design, deep dives, a change in mid-design, operations." },
  { value: "behavioural", label: "Behavioural", note: "Real stories: what you did, why, what others held, what came of it." },
];
const levels = [
  { value: "senior", label: "Senior" },
  { value: "staff", label: "Staff" },
];
const lengths = [15, 30, 45].map((minutes) => ({ value: minutes, label: String(minutes) }));
const modes = [
  { value: "realistic", label: "Realistic", note: "Feedback at the end only." },
  { value: "coach", label: "Coach", note: "Feedback after each answer." },
];

