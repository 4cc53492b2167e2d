// The REST API, typed by its document. Every call shows the session, and every command a key, so that
// one whose answer was lost can be sent again.
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./generated";
import { place } from "./place";
import { problemOf, Refusal } from "./problem";
import { noteUnknownSession, token } from "./token";

export type Schemas = components["schemas"];

const shown: Middleware = {
  onRequest({ request }) {
    const session = token();
    if (session && !request.headers.has("authorization"))
      request.headers.set("authorization", `Bearer ${session}`);
    return request;
  },
  onResponse({ response }) {
    if (response.status === 401) noteUnknownSession();
    return undefined;
  },
};

/** A request to where the page's cluster answers it. */
class Placed extends Request {
  constructor(input: RequestInfo | URL, init?: RequestInit) {
    super(typeof input === "string" ? placed(input) : input, init);
  }
}

function placed(address: string): string {
  const url = new URL(address);
  url.pathname = place.asked(url.pathname);
  return url.href;
}

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  Request: Placed,
  headers: { accept: "application/json" },
});
api.use(shown);

/** What was answered; a refusal is thrown. */
export async function answered<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw new Refusal(problemOf(error, response.status));
  return data as T;
}

export interface Intent {
  header: { "idempotency-key": string };
}

/**
 * Keys for what is done in one place, as a dialog: the same for each attempt at the same thing, so that one
 * whose answer was lost is not done twice, and another one for something else.
 */
export function intents(): (what?: unknown) => Intent {
  const keys = new Map<string, Intent>();
  return (what) => {
    const name = JSON.stringify(what ?? null);
    const known = keys.get(name) ?? { header: { "idempotency-key": randomId() } };
    keys.set(name, known);
    return known;
  };
}

/** 128 bits; `crypto.randomUUID` is not there where the page came over plain HTTP. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("");
}
