// What surrounds every page but the room: the name, the way around, light or dark.

import { html, useEffect, useState } from "../html.js";
import { KeysButton, Shortcuts } from "./shortcuts.js";

const places = [
  ["/", "Practise"],
  ["/history", "History"],
  ["/progress", "Progress"],
  ["/models", "Models"],
  ["/privacy", "Privacy"],
];

/** What has no place of its own belongs to one. @param {string} path */
const within = (path) => (path === "/benchmarks" ? "/models" : path.startsWith("/for/") ? "/" : path.startsWith("/sessions/") ? "/history" : undefined);

/** @param {{ path: string, bare?: boolean, children?: any }} props */
export function Shell({ path, bare, children }) {
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to content</a>
    ${!bare &&
    html`<header class="top">
      <a class="name" href="#/">offrecord</a>
      <nav aria-label="Pages">
        ${places.map(([to, name]) => html`<a href=${`#${to}`} aria-current=${path === to ? "page" : within(path) === to ? "true" : undefined}>${name}</a>`)}
      </nav>
      <span class="tools"><${KeysButton} /><${ThemeToggle} /></span>
    </header>`}
    ${children}
    <${Shortcuts} />
  `;
}

/** The address after # is the route, so the skip link moves focus itself. @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

const prefersDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

export function ThemeToggle() {
  const [dark, setDark] = useState(() => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : prefersDark();
  });
  useEffect(() => {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => !document.documentElement.dataset.theme && setDark(system.matches);
    system.addEventListener("change", changed);
    return () => system.removeEventListener("change", changed);
  }, []);
  const toggle = () => {
    const next = dark ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("offrecord.theme", next);
    setDark(!dark);
  };
  const title = dark ? "Switch to light" : "Switch to dark";
  return html`<button type="button" class="icon-button" onClick=${toggle} aria-label=${title} title=${title}>
    <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.5">
      ${dark
        ? html`<circle cx="10" cy="10" r="3.5" /><path d="M10 2v2M10 16v2M2 10h2M16 10h2M4.3 4.3l1.5 1.5M14.2 14.2l1.5 1.5M4.3 15.7l1.5-1.5M14.2 5.8l1.5-1.5" stroke-linecap="round" />`
        : html`<path d="M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.500 8.500Z" stroke-linejoin="round" />`}
    </svg>
  </button>`;
}
