// The weakest dimension by the scores so far, with something concrete to practise it on: the start page's third way to a problem.

import { useCallback, useState } from "../html.js";
import { ApiError } from "../api.js";
import { readGraded } from "../graded.js";
import { plan, proposals, trends, weakest } from "../progress.js";
import { go } from "../router.js";

/**
 * @param {any} content
 * @returns {{ choose: () => Promise<void>, refused: ApiError | null }} `choose` leads to the start page with the choice made
 */
export function useWeakest(content) {
  const [refused, setRefused] = useState(/** @type {ApiError | null} */ (null));
  const choose = useCallback(async () => {
    setRefused(null);
    try {
      const { graded, finished } = await readGraded();
      const lines = trends(graded);
      const low = weakest(lines);
      // Where nothing could be scored, what is due is the next best.
      const [first] = proposals(low ? [low] : plan(lines, Date.now()), finished, content);
      go(`/for/${first.dimension}${first.topic ? `/${first.topic.id}` : ""}`);
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setRefused(cause);
    }
  }, [content]);
  return { choose, refused };
}
