// Which hints were read and put away: kept by the browser, for all its tabs.
import { useState } from "react";

const KEPT = "weir.hints";

function read(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(kept) ? kept.map(String) : [];
  } catch {
    return [];
  }
}

/** Whether a hint is still to be shown, and what puts it away. */
export function useHint(id: string): [isShown: boolean, putAway: () => void] {
  const [isShown, setShown] = useState(() => !read().includes(id));
  return [
    isShown,
    () => {
      setShown(false);
      try {
        localStorage.setItem(KEPT, JSON.stringify([...new Set([...read(), id])]));
      } catch {
        // Without room it is shown again the next time.
      }
    },
  ];
}
