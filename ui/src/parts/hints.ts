// Which hints were read and put away: kept by the browser, for all its tabs.
import { useSyncExternalStore } from "react";

const KEPT = "weir.hints";
const listeners = new Set<() => void>();
/** What was put away in this tab, where the browser has no room to keep it. */
let here: string | undefined;

const kept = (): string => {
  try {
    return localStorage.getItem(KEPT) ?? here ?? "[]";
  } catch {
    return here ?? "[]";
  }
};

function listed(text: string): string[] {
  try {
    const all: unknown = JSON.parse(text);
    return Array.isArray(all) ? all.map(String) : [];
  } catch {
    return [];
  }
}

function keep(all: readonly string[]) {
  here = JSON.stringify([...new Set(all)]);
  try {
    localStorage.setItem(KEPT, here);
  } catch {
    // Without room it is shown again the next time.
  }
  for (const tell of listeners) tell();
}

const listen = (tell: () => void) => {
  listeners.add(tell);
  return () => listeners.delete(tell);
};

/** Whether a hint is to be shown, and what puts it away or brings it back. */
export function useHint(id: string): [isShown: boolean, show: (isShown: boolean) => void] {
  const away = listed(useSyncExternalStore(listen, kept));
  return [
    !away.includes(id),
    (isShown) => keep(isShown ? listed(kept()).filter((it) => it !== id) : [...listed(kept()), id]),
  ];
}
