// What the last reply took of the model: read, written, how full its context is. As counted in this tab; nothing is made up.

import { html } from "../html.js";
import { useCell } from "../cell.js";
import { count } from "../format.js";
import { useFetched } from "../use.js";

/** @param {{ room: import("../room.js").Room }} props */
export function EngineFacts({ room }) {
  const last = useCell(room.last);
  return last && html`<${Shown} last=${last} />`;
}

/** @param {{ last: import("../room.js").Facts }} props */
function Shown({ last }) {
  const size = /** @type {any} */ (useFetched("/api/status").value)?.model?.context;
  return html`<section class="engine-facts note" aria-label="The model’s last reply">
    <p>Last reply: read ${count(last.read)} tokens${last.rate === null ? "" : `, wrote about ${last.rate.toFixed(0)} a second`}.</p>
    <p>Context: ${count(last.context)}${size ? ` of ${count(size)}` : ""} tokens.</p>
  </section>`;
}
