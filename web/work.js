// A piece of work in the program that tells how far it is: a pull, a check. Stops when the page leaves.

import { useEffect, useRef, useState } from "./html.js";
import { ApiError, open } from "./api.js";

const idle = { running: false, done: 0, total: 0, rate: 0, stage: "" };

/**
 * @param {string} path of a request that answers with `progress {done, total, stage}`, then `done` or `error`
 * @param {(result: any) => void} onDone
 */
export function useWork(path, onDone) {
  const [at, setAt] = useState(idle);
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  const start = async () => {
    const mine = (stop.current = new AbortController());
    setError(null);
    setAt({ ...idle, running: true });
    const begun = { at: performance.now(), done: -1 };
    try {
      let result;
      for await (const { event, data } of await open("POST", path, {}, mine.signal)) {
        if (event === "error") throw new ApiError(500, data);
        if (event === "done") {
          result = data;
          break;
        }
        const done = data.done ?? 0;
        if (begun.done < 0) begun.done = done;
        const seconds = (performance.now() - begun.at) / 1000;
        setAt({ running: true, done, total: data.total ?? 0, rate: seconds > 1 ? (done - begun.done) / seconds : 0, stage: data.stage ?? "" });
      }
      if (result) onDone(result);
    } catch (cause) {
      if (!(cause instanceof ApiError) && !mine.signal.aborted) throw cause;
      if (cause instanceof ApiError && !mine.signal.aborted) setError(cause);
    }
    setAt(idle);
  };
  return { ...at, error, start, stop: () => stop.current.abort() };
}
