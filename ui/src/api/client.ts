// The REST API, typed by its document. Every call shows the session, and every command a key, so that
// one whose answer was lost can be sent again.
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./generated";
import { problemOf, Refusal } from "./problem";
import { token } from "./token";

export type Schemas = components["schemas"];

const shown: Middleware = {
  onRequest({ request }) {
    const session = token();
    if (session) request.headers.set("authorization", `Bearer ${session}`);
    return request;
  },
};

export const api = createClient<paths>({
  baseUrl: window.location.origin,
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

/** A key for one intent of the user, sent again with each attempt. */
export const intent = () => ({ header: { "idempotency-key": randomId() } });

/** 128 bits; `crypto.randomUUID` is not there where the page came over plain HTTP. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("");
}
