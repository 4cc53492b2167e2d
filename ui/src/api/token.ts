// The session that requests show. Kept for this tab, or for this browser where the user wants that.
const KEY = "weir.session";

export function token(): string | null {
  return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
}

export function keepToken(value: string, inBrowser: boolean): void {
  dropToken();
  (inBrowser ? localStorage : sessionStorage).setItem(KEY, value);
}

export function dropToken(): void {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
}
