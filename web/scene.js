// A whiteboard scene in this browser: kept between two answers, read from a file, written to one. Owns no markup.

import { forget, keep, kept as keptIn } from "./kept.js";

/** @typedef {{ type: "excalidraw", version: number, source: string, elements: any[], appState: Record<string, any>, files: Record<string, any> }} Scene */

export const mostBytes = 1024 * 1024;

/** @param {string} id */
const key = (id) => `offrecord.board.${id}`;

/** @param {string} id @returns {Scene | null} */
export function keptScene(id) {
  try {
    const kept = readScene(keptIn(key(id)) ?? "");
    return "scene" in kept ? kept.scene : null;
  } catch {
    return null;
  }
}

/** Whether it could be kept. @param {string} id @param {Scene} scene */
export function keepScene(id, scene) {
  return keep(key(id), JSON.stringify(scene));
}

/** @param {string} id */
export function forgetScene(id) {
  forget(key(id));
}

/**
 * A scene out of a file's text, cut to what a board here is made of.
 * @param {string} text
 * @returns {{ scene: Scene } | { reason: string }}
 */
export function readScene(text) {
  if (text.length > mostBytes) return { reason: "It is larger than 1 MiB." };
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    return { reason: "It is not a whiteboard file: it does not hold JSON." };
  }
  return sceneOf(found);
}

/** @param {any} found @returns {{ scene: Scene } | { reason: string }} */
export function sceneOf(found) {
  if (found?.type !== "excalidraw" || !Array.isArray(found.elements)) return { reason: "It is not an .excalidraw file." };
  if (found.elements.length > 3000) return { reason: "It has more than 3,000 elements." };
  const sound = (/** @type {any} */ element) =>
    typeof element === "object" && element !== null && typeof element.id === "string" && typeof element.type === "string" &&
    ["x", "y", "width", "height"].every((side) => Number.isFinite(element[side]) && Math.abs(element[side]) < 1e7);
  if (!found.elements.every(sound)) return { reason: "An element in it is malformed." };
  // Pictures and links have no use here, and a link would lead out.
  const elements = found.elements.filter((/** @type {any} */ element) => !["image", "embeddable", "iframe"].includes(element.type)).map((/** @type {any} */ element) => ({ ...element, link: null }));
  return { scene: { type: "excalidraw", version: 2, source: "offrecord", elements, appState: {}, files: {} } };
}

/** What is drawn and not deleted. @param {Scene | null} scene */
export const isEmpty = (scene) => !scene || scene.elements.every((element) => element.isDeleted);

/** Gives the scene to the person as a file. @param {Scene} scene @param {string} name */
export function download(scene, name) {
  const address = URL.createObjectURL(new Blob([JSON.stringify(scene, null, 2)], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `${name.replaceAll(/[^\w-]+/g, "-").toLowerCase()}.excalidraw`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
