// One press: what is due by the scores so far, with something concrete to practise it on.

import { html, useState } from "../html.js";
import { ApiError } from "../api.js";
import { readGraded } from "../graded.js";
import { plan, proposals, trends } from "../progress.js";
import { go } from "../router.js";
import { Failure } from "./notice.js";

/** @param {{ content: any }} props */
export function Weakest({ content }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const choose = async () => {
    setBusy(true);
    setError(null);
    try {
      const { graded, finished } = await readGraded();
      const [first] = proposals(plan(trends(graded), Date.now()), finished, content);
      go(`/for/${first.dimension}${first.topic ? `/${first.topic.id}` : ""}`);
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
    }
    setBusy(false);
  };
  return html`<section>
    <h2>By your scores</h2>
    <p><button type="button" class="button" disabled=${busy} onClick=${choose}>My weakest dimension</button></p>
    <p class="note">Why, and what comes after it: <a href="#/progress">Progress</a></p>
    ${error && html`<${Failure} error=${error} />`}
  </section>`;
}
