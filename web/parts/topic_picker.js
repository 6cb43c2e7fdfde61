// One problem out of many: a search box with a list under it, first what chooses for the person. A combobox as ARIA describes it.

import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../html.js";
import { label } from "../format.js";

/** @typedef {import("../types.js").Topic} Topic */

/** @typedef {{ title: string, note: string, pick: () => void }} Option */

const surprise = "Surprise me";
const myWeakest = "My weakest dimension";

/** @param {{ topics: Topic[], value: string | null, round: string, onPick: (id: string | null) => void, onWeakest?: () => void }} props `onWeakest`: where there are scores to go by */
export function TopicPicker({ topics, value, round, onPick, onWeakest }) {
  const [search, setSearch] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const box = useRef(/** @type {HTMLInputElement | null} */ (null));
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const name = round === "system-design" ? "Problem" : "Competency";
  const chosen = topics.find((topic) => topic.id === value);

  const found = useMemo(() => {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (/** @type {string[]} */ ...parts) => words.every((word) => parts.join(" ").toLowerCase().includes(word));
    /** @type {Option[]} */
    const options = topics
      .filter((topic) => fits(topic.title, topic.theme ?? "", label(topic.theme ?? ""), difficulty(topic), ...(topic.dimensions ?? [])))
      .map((topic) => ({ title: topic.title, note: [topic.theme && label(topic.theme), difficulty(topic)].filter(Boolean).join(" · "), pick: () => onPick(topic.id) }));
    if (onWeakest && fits(myWeakest)) options.unshift({ title: myWeakest, note: "by your scores", pick: onWeakest });
    if (fits(surprise)) options.unshift({ title: surprise, note: `one of ${topics.length}`, pick: () => onPick(null) });
    return options;
  }, [topics, search, onWeakest]);

  useEffect(() => setSearch(""), [round]);
  useLayoutEffect(() => {
    /** @param {KeyboardEvent} event */
    const pressed = (event) => {
      const target = /** @type {Element} */ (event.target);
      if (event.key === "/" && !target.closest?.("input[type=text], textarea, dialog")) {
        event.preventDefault();
        box.current?.focus();
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
  // Closed, it shows the choice; what is typed then is a new search and not its continuation.
  useLayoutEffect(() => {
    if (!open && document.activeElement === box.current) box.current?.select();
  }, [open, value]);
  useEffect(() => {
    if (open) list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [at, open]);

  /** @param {Option} option */
  const pick = (option) => {
    option.pick();
    setSearch("");
    setOpen(false);
  };

  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    const last = found.length - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setAt(open ? Math.min(last, Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1))) : 0);
      setOpen(true);
    } else if (event.key === "/" && !open) {
      event.preventDefault();
      setAt(0);
      setOpen(true);
    } else if (event.key === "Enter" && open) {
      event.preventDefault();
      if (last >= 0) pick(found[Math.min(at, last)]);
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      setOpen(false);
      setSearch("");
    }
  };

  return html`<div class="topic" onFocusOut=${(/** @type {FocusEvent} */ event) => {
    if (!(/** @type {Element} */ (event.currentTarget).contains(/** @type {Node | null} */ (event.relatedTarget)))) {
      setOpen(false);
      setSearch("");
    }
  }}>
    <label for="topic-search">${name}</label>
    <div class="topic-field">
      <input id="topic-search" ref=${box} type="text" role="combobox" autocomplete="off" spellcheck=${false}
        aria-expanded=${open} aria-controls="topic-list" aria-autocomplete="list"
        aria-activedescendant=${open && found.length ? `topic-${at}` : undefined}
        placeholder="Search by name, theme or difficulty" value=${open ? search : (chosen?.title ?? surprise)}
        onFocus=${() => (setAt(0), setOpen(true))} onClick=${() => setOpen(true)}
        onInput=${(/** @type {any} */ event) => (setSearch(event.currentTarget.value), setAt(0), setOpen(true))}
        onKeyDown=${pressed} />
      <kbd aria-hidden="true">/</kbd>
    </div>
    <ul id="topic-list" ref=${list} role="listbox" aria-label=${name} hidden=${!open}>
      ${found.map(
        (option, index) => html`<li id=${`topic-${index}`} role="option" aria-selected=${index === at}
          onPointerDown=${(/** @type {Event} */ event) => event.preventDefault()} onClick=${() => pick(option)} onPointerMove=${() => setAt(index)}>
          <span>${option.title}</span>
          <span class="note">${option.note}</span>
        </li>`,
      )}
      ${found.length === 0 && html`<li class="nothing">Nothing fits “${search}”. Try a theme, such as storage or payments.</li>`}
    </ul>
  </div>`;
}

/** @param {Topic} topic */
const difficulty = (topic) => (topic.difficulty ? ["", "warm-up", "senior", "staff"][topic.difficulty] : "");
