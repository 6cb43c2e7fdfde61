// On paper everything that is folded is open; afterwards it is as it was.

import { useEffect } from "./html.js";

export function useUnfoldedPrint() {
  useEffect(() => {
    /** @type {HTMLDetailsElement[]} */
    let opened = [];
    const before = () => {
      opened = [...document.querySelectorAll("details")].filter((fold) => !fold.open);
      for (const fold of opened) fold.open = true;
    };
    const after = () => {
      for (const fold of opened) fold.open = false;
      opened = [];
    };
    addEventListener("beforeprint", before);
    addEventListener("afterprint", after);
    return () => {
      removeEventListener("beforeprint", before);
      removeEventListener("afterprint", after);
    };
  }, []);
}
