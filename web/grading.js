// A scorecard: fetched when there is one, made when there is none, dimension by dimension.

import { useCallback, useEffect, useRef, useState } from "./html.js";
import { ApiError, get, open } from "./api.js";
import { go } from "./router.js";

/** @typedef {import("./types.js").Scorecard} Scorecard */
/** @typedef {import("./types.js").Session} Session */
/** @typedef {import("./types.js").Dimension} Dimension */

/**
 * @param {string} id session
 * @param {number | null} number of the scorecard; the newest when none is named
 */
export function useScorecard(id, number) {
  const [session, setSession] = useState(/** @type {Session | null} */ (null));
  const [card, setCard] = useState(/** @type {Scorecard | null} */ (null));
  const [landed, setLanded] = useState(/** @type {Dimension[] | null} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const gone = useRef(new AbortController());
  const path = `/api/sessions/${encodeURIComponent(id)}`;

  /** @param {unknown} cause @param {AbortSignal} signal of the attempt: a later one may have begun meanwhile */
  const failed = (cause, signal) => {
    if (signal.aborted) return;
    if (!(cause instanceof ApiError)) throw cause;
    setLanded(null);
    setError(cause);
  };

  const grade = useCallback(async (/** @type {import("./parts/regrade.js").GradeOptions} */ options = {}) => {
    const { signal } = gone.current;
    setError(null);
    setLanded([]);
    try {
      let finished = false;
      for await (const { event, data } of await open("POST", `${path}/scorecards`, options, signal)) {
        if (event === "dimension") setLanded((known) => [...(known ?? []), data.dimension ?? data]);
        if (event === "error") throw new ApiError(500, data);
        if (event === "done") {
          finished = true;
          setCard(data.scorecard);
        }
      }
      if (!finished) throw new ApiError(0, { message: "Grading was interrupted.", hint: "Nothing is lost: the transcript is stored. Grade again." });
      setLanded(null);
      setSession(await get(path, signal));
      // The address named an earlier one: from now on it is the newest.
      if (number !== null) go(`/sessions/${id}/scorecard`, { replace: true });
    } catch (cause) {
      failed(cause, signal);
    }
  }, [path, number]);

  const load = useCallback(async () => {
    const { signal } = gone.current;
    setError(null);
    try {
      /** @type {Session} */
      const fresh = await get(path, signal);
      setSession(fresh);
      const wanted = number ?? fresh.scorecards.at(-1) ?? null;
      if (wanted !== null) {
        setCard(await get(`${path}/scorecards/${wanted}`, signal));
      } else if (fresh.status === "finished") {
        await grade();
      }
    } catch (cause) {
      failed(cause, signal);
    }
  }, [path, number]);

  useEffect(() => {
    gone.current = new AbortController();
    setCard(null);
    load();
    return () => gone.current.abort();
  }, [path, number]);

  return { session, card, landed, error, load, grade };
}
