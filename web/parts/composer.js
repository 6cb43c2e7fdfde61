// The answer box. It keeps every keystroke and every word heard, says when an answer is too long, and never clears before it
// is stored.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { useCell } from "../cell.js";
import { useDraft } from "../draft.js";
import { utf8Length } from "../format.js";
import { Notice } from "./notice.js";
import { SpeechSettingsButton } from "./speech_settings_button.js";
import { Tour } from "./tour.js";
import { MicrophoneButton, useVoice, VoiceLine } from "./voice.js";

const limit = 32 * 1024;
const nearLimit = 24 * 1024;

/** @param {{ room: import("../room.js").Room, session: import("../types.js").Session, onGoOn: () => void, onFinish: () => void }} props */
export function Composer({ room, session, onGoOn, onFinish }) {
  const reply = useCell(room.reply);
  const trouble = useCell(room.trouble);
  const open = session.status === "active";
  const draft = useDraft(room.id, session.draft ?? "", open);
  const [thinking, setThinking] = useState(false);
  const box = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const replying = reply.state !== "idle" && reply.state !== "failed";
  const size = utf8Length(draft.text);
  const tooLong = size > limit;
  const ready = open && !replying && draft.text.trim() !== "" && !tooLong;

  useEffect(() => {
    if (open && matchMedia("(min-width: 700px)").matches) box.current?.focus({ preventScroll: true });
  }, []);

  // Words that are heard are written behind what the person writes, and leave the caret where it is.
  const caret = useRef(/** @type {[number, number] | null} */ (null));
  const spoken = {
    read: draft.latest,
    write: (/** @type {string} */ text) => {
      const { selectionStart, selectionEnd, value } = box.current ?? { selectionStart: 0, selectionEnd: 0, value: "" };
      caret.current = selectionEnd < value.length ? [selectionStart, selectionEnd] : null;
      setThinking(false);
      draft.write(text);
    },
  };
  useLayoutEffect(() => {
    if (caret.current) box.current?.setSelectionRange(...caret.current);
    caret.current = null;
  }, [draft.text]);

  const sending = useRef(false);
  const send = async () => {
    if (sending.current || !open || replying) return;
    sending.current = true;
    try {
      const said = await voice.conversation?.finish();
      const text = draft.latest().trim();
      if (text === "" || utf8Length(text) > limit) return;
      setThinking(false);
      const turn = room.session.get()?.next_seq ?? 0;
      if (await room.answer(text, said)) {
        draft.clear();
        voice.conversation?.sent(turn);
      }
    } finally {
      sending.current = false;
    }
    box.current?.focus({ preventScroll: true });
  };
  const voice = useVoice(room, spoken, send, open);

  if (session.status === "finished") {
    return html`<div class="composer closed"><p>This interview is finished.</p><a class="button primary" href=${`#/sessions/${room.id}/scorecard`}>See the scorecard</a></div>`;
  }
  if (session.status === "paused") {
    return html`<div class="composer closed">
      <p><strong>Paused.</strong> The clock stands${draft.text.trim() ? " and your draft is kept" : ""}.</p>
      <div class="actions"><button type="button" class="button quiet" onClick=${onFinish}>Finish</button><button type="button" class="button primary" onClick=${onGoOn}>Go on</button></div>
    </div>`;
  }

  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
    }
  };

  return html`<form class="composer" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), send())}>
    ${trouble?.kind === "conflict" &&
    html`<${Notice} tone="warn" title="This interview has moved on in another window">The newest turns are shown above. Your draft is kept: read, change it if you like, and send it again.</${Notice}>`}
    ${trouble?.kind === "refused" && html`<${Notice} tone="error" title=${trouble.message}>${trouble.hint} Your draft is kept.</${Notice}>`}
    <${Tour} />
    <label class="sr" for="answer">Your answer</label>
    ${voice.conversation && html`<${VoiceLine} conversation=${voice.conversation} recording=${session.record === true} />`}
    <div class=${`answer-box ${voice.speech ? "with-voice" : ""}`}>
      <textarea id="answer" ref=${box} rows="3" value=${draft.text} placeholder=${voice.speech?.input.available ? "Type or speak your answer" : "Your answer"} aria-describedby="answer-state"
        onInput=${(/** @type {any} */ event) => (setThinking(false), draft.write(event.currentTarget.value))} onKeyDown=${pressed}></textarea>
      <${MicrophoneButton} voice=${voice} disabled=${!open} />
    </div>
    <div class="composer-foot">
      <p id="answer-state" class=${`note ${tooLong ? "error" : ""}`} role="status">${state(draft.text, size, tooLong, thinking)}</p>
      <div class="actions">
        ${voice.speech && html`<${SpeechSettingsButton} speech=${voice.speech} />`}
        <button type="button" class="button quiet" disabled=${replying} onClick=${() => (setThinking(true), voice.conversation?.hold(), box.current?.focus())}>Still thinking</button>
        <button type="submit" class="button primary" disabled=${!ready}>Send <kbd>Ctrl Enter</kbd></button>
      </div>
    </div>
  </form>`;
}

/** @param {string} text @param {number} size @param {boolean} tooLong @param {boolean} thinking */
function state(text, size, tooLong, thinking) {
  if (tooLong) return `${(size / 1024).toFixed(1)} KiB: at most 32 are taken. Shorten it; the draft is kept.`;
  if (size > nearLimit) return `${(size / 1024).toFixed(1)} of 32 KiB`;
  if (thinking) return "Take your time.";
  return text ? "Draft kept" : "";
}
