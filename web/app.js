// Mounts the page and gives each address its page. Knows which pages exist and nothing about what they show.

import { html, render, useEffect, useRef } from "./html.js";
import { usePath } from "./router.js";
import { Shell } from "./parts/shell.js";
import { lazy } from "./lazy.js";
import { Start } from "./pages/start.js";

const RoomPage = lazy(() => import("./pages/room.js"), "RoomPage");
const ScorecardPage = lazy(() => import("./pages/scorecard.js"), "ScorecardPage");
const History = lazy(() => import("./pages/history.js"), "History");
const Progress = lazy(() => import("./pages/progress.js"), "Progress");
const Models = lazy(() => import("./pages/models.js"), "Models");
const Benches = lazy(() => import("./pages/benches.js"), "Benches");
const Privacy = lazy(() => import("./pages/privacy.js"), "Privacy");

/** @typedef {{ title: string, page: any, props: Record<string, any>, bare?: boolean }} Place */

/** @param {string} path @returns {Place} */
function place(path) {
  const session = /^\/sessions\/([\w-]+)(?:\/scorecard(?:\/(\d+))?)?$/.exec(path);
  if (session && path.includes("/scorecard")) {
    return { title: "Scorecard", page: ScorecardPage, props: { key: session[1], id: session[1], number: session[2] ? Number(session[2]) : null } };
  }
  if (session) return { title: "Interview", page: RoomPage, props: { key: session[1], id: session[1] }, bare: true };
  const dimension = /^\/for\/([a-z]+)(?:\/([\w-]+))?$/.exec(path);
  if (dimension) return { title: "Practise", page: Start, props: { key: path, dimension: dimension[1], topic: dimension[2] } };
  switch (path) {
    case "/":
      return { title: "Practise", page: Start, props: {} };
    case "/history":
      return { title: "History", page: History, props: {} };
    case "/progress":
      return { title: "Progress", page: Progress, props: {} };
    case "/models":
      return { title: "Models", page: Models, props: {} };
    case "/benchmarks":
      return { title: "Benchmarks", page: Benches, props: {} };
    case "/privacy":
      return { title: "Privacy", page: Privacy, props: {} };
    default:
      return { title: "Not found", page: NotFound, props: {} };
  }
}

function NotFound() {
  return html`<div class="page"><h1>There is no such page</h1><p>Go to <a href="#/">Practise</a> or <a href="#/history">History</a>.</p></div>`;
}

function App() {
  const path = usePath();
  const { title, page: Page, props, bare } = place(path);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${title} – offrecord`;
    if (!first.current) {
      scrollTo(0, 0);
      document.getElementById("main")?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [path]);
  const main = html`<main id="main" tabindex="-1" class=${bare ? "bare" : ""}><${Page} ...${props} /></main>`;
  return html`<${Shell} path=${path} bare=${bare}>${main}</${Shell}>`;
}

const root = document.getElementById("app");
if (root) render(html`<${App} />`, root);
