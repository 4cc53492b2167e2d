// The session that requests show. Kept for this tab, or for this browser where the user wants that.
//
// - T1: a tab shows one session, whatever other tabs do: it is read once, and changes when the page does, so
//   that nothing is shown or done under somebody else's name.
// - T2: what is kept for this tab comes before what is kept for the browser, also where it says "nobody".
const KEY = "weir.session";
const NOBODY = "";

const listeners = new Set<(other: string | null) => void>();
let shown = kept();

function kept(): string | null {
  return (sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY)) || null;
}

export function token(): string | null {
  return shown;
}

export function keepToken(value: string, inBrowser: boolean): void {
  if (inBrowser) {
    sessionStorage.removeItem(KEY);
    localStorage.setItem(KEY, value);
  } else {
    sessionStorage.setItem(KEY, value);
  }
  shown = value;
}

/** Nobody is there any more: in this tab, or in the browser where the session was kept for that. */
export function dropToken(): void {
  if (sessionStorage.getItem(KEY) !== null) sessionStorage.setItem(KEY, NOBODY);
  else localStorage.removeItem(KEY);
  shown = null;
}

const unknown = new Set<() => void>();

/** Calls `tell` when the server does not know the session that was shown. */
export function onUnknownSession(tell: () => void): () => void {
  unknown.add(tell);
  return () => unknown.delete(tell);
}

/** The server said so. */
export function noteUnknownSession(): void {
  if (shown) for (const tell of unknown) tell();
}

/** Whether the session is, or was, that of all tabs. */
export function isOfBrowser(): boolean {
  return sessionStorage.getItem(KEY) === null;
}

/** The server does not know the session any more. It stays where it is kept: other tabs find out by themselves. */
export function endToken(): void {
  shown = null;
}

/** From now on this tab shows the session that another one has kept. */
export function adoptToken(other: string | null): void {
  shown = other;
}

/** Calls `tell` when another tab changed who is there: nothing is other here before `adoptToken`. */
export function onOtherSession(tell: (other: string | null) => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

/** The browser tells it of what other tabs wrote; `null`: they cleared everything. */
globalThis.addEventListener?.("storage", (event) => {
  if (event.storageArea !== localStorage || (event.key !== KEY && event.key !== null)) return;
  const now = kept();
  if (now !== shown) for (const tell of listeners) tell(now);
});
