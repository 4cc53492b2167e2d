// What a browser brings back from the provider of log-ins, in the address of the log-in page.
export interface Brought {
  state: string;
  code?: string;
  error?: string;
}

/** `undefined`: the browser does not come from there. */
export function broughtBack(search: string): Brought | undefined {
  const query = new URLSearchParams(search);
  const [state, code, error] = ["state", "code", "error"].map((name) => query.get(name));
  if (!state || (!code && !error)) return undefined;
  return code ? { state, code } : { state, error: error ?? "" };
}
