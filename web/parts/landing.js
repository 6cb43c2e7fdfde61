// Grading takes its time on a processor: each dimension shows as it lands, and how long it has been.

import { html, useEffect, useState } from "../html.js";
import { clock, label } from "../format.js";
import { ids } from "../progress.js";
import { Scale } from "./scale.js";

/** @param {{ landed: import("../types.js").Dimension[] }} props */
export function Landing({ landed }) {
  const [begun] = useState(() => performance.now());
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const waiting = ids.filter((id) => !landed.some((dimension) => dimension.id === id));
  return html`<section class="landing" aria-busy="true">
    <h2>Grading</h2>
    <p class="note"><span role="status">${landed.length} of ${ids.length} dimensions.</span> ${clock(performance.now() - begun)} so far. You can leave this page; grading goes on.</p>
    <ul class="landing-list">
      ${landed.map((dimension) => html`<li key=${dimension.id}><span>${dimension.title ?? label(dimension.id)}</span><${Scale} dimension=${dimension} /></li>`)}
      ${waiting.map((id, index) => html`<li key=${id} class="awaited"><span>${label(id)}</span>${index === 0 && html`<span class="doing"><span class="pulse" aria-hidden="true"></span>reading</span>`}</li>`)}
    </ul>
  </section>`;
}
