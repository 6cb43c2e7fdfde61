// Something fetched once for a page, with its failure.

import { useCallback, useEffect, useState } from "./html.js";
import { ApiError, get } from "./api.js";

/**
 * @template T
 * @param {string} path
 * @returns {{ value: T | null, error: ApiError | null, again: () => void }}
 */
export function useFetched(path) {
  const [value, setValue] = useState(/** @type {T | null} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [round, setRound] = useState(0);
  useEffect(() => {
    const gone = new AbortController();
    get(path, gone.signal).then(
      (fresh) => {
        setValue(fresh);
        setError(null);
      },
      (cause) => {
        if (cause instanceof ApiError) setError(cause);
        else if (!gone.signal.aborted) throw cause;
      },
    );
    return () => gone.abort();
  }, [path, round]);
  return { value, error, again: useCallback(() => setRound((n) => n + 1), []) };
}
