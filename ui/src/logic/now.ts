// The time, once per second for all who show it: one timer for the whole page. It is the server's, since what
// is shown is told in that: a browser whose clock is wrong says all the same how long ago something was.
import { useRef, useSyncExternalStore } from "react";

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

/**
 * What is read once per second. Who shows it is drawn again where it says something else than a second ago: `read`
 * returns words and numbers, and not what they are made of.
 */
export function useEachSecond<T extends object | undefined>(read: (now: number) => T): T {
  const last = useRef<{ at: number; read: (now: number) => T; value: T }>(undefined);
  return useSyncExternalStore(listen, () => {
    const before = last.current;
    if (before?.at === now && before.read === read) return before.value;
    const fresh = read(now);
    const value = before && isSame(before.value, fresh) ? before.value : fresh;
    last.current = { at: now, read, value };
    return value;
  });
}

function isSame(a: object | undefined, b: object | undefined): boolean {
  if (!a || !b) return a === b;
  const [before, after] = [Object.entries(a), new Map(Object.entries(b))];
  return before.length === after.size && before.every(([key, it]) => after.get(key) === it);
}
