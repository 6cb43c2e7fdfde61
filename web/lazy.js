// A page that is loaded when it is first opened, so that the first paint waits for nothing that it does not show.

import { html, useEffect, useState } from "./html.js";
import { ApiError } from "./api.js";
import { Failure } from "./parts/notice.js";

/**
 * @param {() => Promise<any>} load the page's module
 * @param {string} name of the component in it
 */
export function lazy(load, name) {
  /** @type {any} */
  let known = null;
  return function Lazy(/** @type {Record<string, any>} */ props) {
    const [, redraw] = useState(0);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (known) return;
      load().then(
        (found) => {
          known = found[name];
          redraw((n) => n + 1);
        },
        () => setFailed(true),
      );
    }, []);
    if (known) return html`<${known} ...${props} />`;
    // A browser remembers that a module failed: only a reload asks again.
    const error = new ApiError(0, { message: "offrecord does not answer.", hint: "If you closed it, start it again in a terminal. Nothing is lost." });
    return failed ? html`<div class="page narrow"><h1>This page could not be opened</h1><${Failure} error=${error} retry=${() => location.reload()} /></div>` : html`<div class="page"><p class="sr" role="status">Opening…</p></div>`;
  };
}
