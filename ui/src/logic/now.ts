// The time, once per second for all who show it: one timer for the whole page. It is the server's, since what
// is shown is told in that: a browser whose clock is wrong says all the same how long ago something was.
import { useSyncExternalStore } from "react";

/** What the two clocks may differ by without being told apart from a slow network. */
const SAME_MS = 2_000;

let ahead = 0;

/** The server said what time it is. */
export function noteServerTime(at: number): void {
  const seen = at - Date.now();
  if (Math.abs(seen - ahead) > SAME_MS) ahead = Math.abs(seen) > SAME_MS ? seen : 0;
}

export const serverNow = () => Date.now() + ahead;

let now = serverNow();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function listen(tell: () => void): () => void {
  listeners.add(tell);
  timer ??= setInterval(() => {
    now = serverNow();
    for (const it of listeners) it();
  }, 1_000);
  return () => {
    listeners.delete(tell);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

export const useNow = () => useSyncExternalStore(listen, () => now);
