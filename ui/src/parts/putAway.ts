// Lost nodes that somebody has seen and wants to see no more: the browser remembers them.
import { useSyncExternalStore } from "react";

const KEY = "weir.put-away";
const KEPT = 200;
const listeners = new Set<() => void>();

function read(): ReadonlySet<string> {
  try {
    return new Set(JSON.parse(localStorage.getItem(KEY) ?? "[]") as string[]);
  } catch {
    return new Set();
  }
}

let known = read();

export function putAway(uid: string): void {
  known = new Set([uid, ...known].slice(0, KEPT));
  try {
    localStorage.setItem(KEY, JSON.stringify([...known]));
  } catch {
    // Without room it is put away until the page is loaded anew.
  }
  for (const tell of listeners) tell();
}

const listen = (tell: () => void) => {
  listeners.add(tell);
  return () => listeners.delete(tell);
};

export const usePutAway = () => useSyncExternalStore(listen, () => known);
