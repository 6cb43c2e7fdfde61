// The whiteboard inside its frame: Excalidraw, a row of architecture shapes, and messages to the page around it.
//
// The frame has an origin of its own and may connect to nothing. The page sends `open`, `theme`
// and `flush`; the frame says `ready`, a moment after each change `changed` with the whole scene, and `flushed`.

import React, { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { Excalidraw, MainMenu, convertToExcalidrawElements, getCommonBounds, getSceneVersion, serializeAsJSON, viewportCoordsToSceneCoords } from "@excalidraw/excalidraw";

const pause = 300;

/** Kinds as src/board knows them; colours of Excalidraw's own palette. */
const shapes = [
  { kind: "client", title: "Client", type: "rectangle", backgroundColor: "#e9ecef", roundness: { type: 3 } },
  { kind: "load-balancer", title: "Load balancer", type: "diamond", backgroundColor: "#d0bfff", width: 200, height: 110 },
  { kind: "service", title: "Service", type: "rectangle", backgroundColor: "#a5d8ff" },
  { kind: "database", title: "Database", type: "ellipse", backgroundColor: "#b2f2bb" },
  { kind: "cache", title: "Cache", type: "ellipse", backgroundColor: "#ffec99" },
  { kind: "queue", title: "Queue", type: "rectangle", backgroundColor: "#ffd8a8" },
  { kind: "stream", title: "Stream", type: "rectangle", backgroundColor: "#ffc9c9", roundness: { type: 3 } },
  { kind: "cdn", title: "CDN", type: "ellipse", backgroundColor: "#99e9f2" },
  { kind: "external", title: "External", type: "rectangle", strokeStyle: "dashed", backgroundColor: "transparent" },
];

const tell = (message) => parent.postMessage(message, "*");

/** The free place nearest to the middle, so that no new shape hides another. */
function free(elements, { x, y, width, height }) {
  const gap = 50;
  const hits = (left, top) => elements.some((other) => other.type !== "arrow" && left < other.x + other.width + gap / 2 && other.x < left + width + gap / 2 && top < other.y + other.height + gap / 2 && other.y < top + height + gap / 2);
  for (let ring = 0; ring < 12; ring += 1) {
    for (let row = -ring; row <= ring; row += 1) {
      for (let column = -ring; column <= ring; column += 1) {
        if (Math.max(Math.abs(row), Math.abs(column)) !== ring) continue;
        const [left, top] = [x + column * (width + gap), y + row * (height + gap)];
        if (!hits(left, top)) return { x: left, y: top };
      }
    }
  }
  return { x, y };
}

/** Where the bars lie over the canvas, and a margin. */
const bars = { top: 76, bottom: 84, side: 24 };

/** Zoom and place that show all of it. Excalidraw's own fit goes down to the next tenth: too small to read on a phone. */
function whole(elements, { width, height }, still) {
  const [left, top, right, bottom] = getCommonBounds(elements);
  const [above, below] = still ? [bars.side, bars.side] : [bars.top, bars.bottom];
  const zoom = Math.min(1, (width - 2 * bars.side) / Math.max(1, right - left), (height - above - below) / Math.max(1, bottom - top));
  const value = Math.max(0.1, zoom);
  return { zoom: { value }, scrollX: width / 2 / value - (left + right) / 2, scrollY: (above + (height - above - below) / 2) / value - (top + bottom) / 2 };
}

/** @param {{ api: any }} props */
function Palette({ api }) {
  const add = ({ title, kind, width = 160, height = 80, ...shape }) => {
    const state = api.getAppState();
    const middle = viewportCoordsToSceneCoords({ clientX: state.offsetLeft + state.width / 2, clientY: state.offsetTop + state.height / 2 }, state);
    const place = free(api.getSceneElements(), { x: middle.x - width / 2, y: middle.y - height / 2, width, height });
    const made = convertToExcalidrawElements([{ ...shape, ...place, width, height, fillStyle: "solid", customData: { kind }, label: { text: title } }]);
    api.updateScene({ elements: [...api.getSceneElements(), ...made], appState: { selectedElementIds: { [made[0].id]: true } }, captureUpdate: "IMMEDIATELY" });
  };
  return (
    <div className="palette" role="toolbar" aria-label="Architecture shapes">
      {shapes.map((shape) => (
        <button type="button" key={shape.kind} onClick={() => add(shape)}>{shape.title}</button>
      ))}
    </div>
  );
}

function Board({ opened, theme }) {
  const [api, setApi] = useState(null);
  const still = opened.readOnly;
  useEffect(() => {
    if (!api) return undefined;
    let version = getSceneVersion(api.getSceneElements());
    let timer = 0;
    let fitted = false;
    const fit = () => {
      const all = api.getSceneElements();
      if (fitted || all.length === 0) return;
      fitted = true;
      // What was opened is seen whole; what is drawn from here on stays as large as it is.
      if (opened.scene?.elements.length) api.updateScene({ appState: whole(all, api.getAppState(), still), captureUpdate: "NEVER" });
    };
    const changed = () => {
      const elements = api.getSceneElements();
      if (getSceneVersion(elements) === version) return;
      version = getSceneVersion(elements);
      tell({ type: "changed", scene: JSON.parse(serializeAsJSON(elements, api.getAppState(), {}, "local")) });
    };
    const asked = ({ source, data }) => {
      if (source !== parent || data?.type !== "flush") return;
      clearTimeout(timer);
      changed();
      tell({ type: "flushed" });
    };
    addEventListener("message", asked);
    const forget = api.onChange(() => {
      fit();
      clearTimeout(timer);
      timer = setTimeout(changed, pause);
    });
    return () => {
      removeEventListener("message", asked);
      forget();
    };
  }, [api]);
  return (
    <div className={`board ${theme}`}>
      {!still && api && <Palette api={api} />}
      <div className="canvas">
        <Excalidraw
          excalidrawAPI={setApi}
          initialData={{ elements: opened.scene?.elements ?? [], appState: { viewBackgroundColor: "#ffffff", currentItemRoughness: 0 }, scrollToContent: true }}
          theme={theme}
          viewModeEnabled={still}
          zenModeEnabled={still}
          langCode="en"
          detectScroll={false}
          handleKeyboardGlobally={false}
          validateEmbeddable={false}
          UIOptions={{ canvasActions: { loadScene: false, saveToActiveFile: false, saveAsImage: false, export: false, toggleTheme: false, changeViewBackgroundColor: false }, tools: { image: false } }}
        >
          <MainMenu>
            <MainMenu.DefaultItems.ClearCanvas />
            <MainMenu.DefaultItems.Help />
          </MainMenu>
        </Excalidraw>
      </div>
    </div>
  );
}

function Frame() {
  const [opened, setOpened] = useState(null);
  const [theme, setTheme] = useState("light");
  useEffect(() => {
    const heard = ({ source, data }) => {
      if (source !== parent || typeof data !== "object" || data === null) return;
      if (data.theme === "light" || data.theme === "dark") setTheme(data.theme);
      if (data.type === "open") setOpened({ scene: data.scene, readOnly: Boolean(data.readOnly), turn: performance.now() });
    };
    addEventListener("message", heard);
    tell({ type: "ready" });
    return () => removeEventListener("message", heard);
  }, []);
  return opened && <Board key={opened.turn} opened={opened} theme={theme} />;
}

// Keys pressed in here do not reach the page: the one that leads back does so by message.
addEventListener(
  "keydown",
  (event) => {
    if (!event.altKey || event.code !== "KeyB") return;
    event.preventDefault();
    event.stopPropagation();
    tell({ type: "leave" });
  },
  true,
);

createRoot(document.getElementById("board")).render(<Frame />);
