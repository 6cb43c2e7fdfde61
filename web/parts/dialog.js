// A modal question. The browser's own dialog: focus is kept inside and given back, Escape closes.

import { html, useLayoutEffect, useRef } from "../html.js";

/**
 * @param {{ title: string, onClose: () => void, children?: any, actions?: any, wide?: boolean }} props
 */
export function Dialog({ title, onClose, children, actions, wide }) {
  const box = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    const dialog = box.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  /** @param {MouseEvent} event */
  const outside = (event) => event.target === box.current && onClose();
  return html`<dialog ref=${box} class=${wide ? "wide" : ""} aria-labelledby="dialog-title" onCancel=${onClose} onClick=${outside}>
    <div class="dialog-body">
      <h2 id="dialog-title">${title}</h2>
      ${children}
      ${actions && html`<div class="actions end">${actions}</div>`}
    </div>
  </dialog>`;
}

/**
 * @param {{ title: string, children?: any, yes: string, no?: string, danger?: boolean, busy?: boolean, onYes: () => void, onNo: () => void }} props
 */
export function Confirm({ title, children, yes, no = "Cancel", danger, busy, onYes, onNo }) {
  const actions = html`
    <button type="button" class="button quiet" onClick=${onNo}>${no}</button>
    <button type="button" class=${`button ${danger ? "danger" : "primary"}`} disabled=${busy} onClick=${onYes}>${yes}</button>
  `;
  return html`<${Dialog} title=${title} onClose=${onNo} actions=${actions}>${children}</${Dialog}>`;
}
