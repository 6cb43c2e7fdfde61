// Where the page is: the part of the address after #, and nothing else.

import { useEffect, useState } from "./html.js";

const read = () => location.hash.replace(/^#/, "") || "/";

/** The current path, such as `/sessions/ID/scorecard`. */
export function usePath() {
  const [path, setPath] = useState(read);
  useEffect(() => {
    const changed = () => setPath(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return path;
}

/** @param {string} path @param {{ replace?: boolean }} [options] */
export function go(path, options = {}) {
  if (options.replace) {
    history.replaceState(null, "", `#${path}`);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = path;
  }
}
