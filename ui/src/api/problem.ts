// What went wrong, in the form in which the server says it, whoever says it.
import type { components } from "./generated";

export type Problem = components["schemas"]["Problem"];

/** A problem as an exception, so that queries and forms carry it as it is. */
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

export const ofPage = (title: string, detail: string, hint: string, status = 0): Problem => ({
  type: "about:blank",
  title,
  status,
  code: "",
  detail,
  hint,
});

export const UNREACHED = ofPage(
  "No answer",
  "The server did not answer.",
  "Check that it runs and that the network leads there; the page goes on by itself.",
);

/** Reads a refusal; what is no problem document is told by its status. */
export function problemOf(body: unknown, status: number): Problem {
  if (isProblem(body)) return body;
  const detail = `The server answered with status ${status} and without saying why.`;
  return ofPage("Refused", detail, "The server's log says more.", status);
}

/** The problem of whatever was thrown. */
export function problemIn(error: unknown): Problem {
  if (error instanceof Refusal) return error.problem;
  // What `fetch` throws where there is no answer.
  if (error instanceof TypeError) return UNREACHED;
  const detail = error instanceof Error ? error.message : String(error);
  return ofPage("A fault of this page", detail, "Reload the page; if it happens again, report it.");
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "detail" in body && "status" in body;
}

/** The claim that a refusal names, as `stream:read`. */
export function missingClaim(problem: Problem): string | undefined {
  return problem.status === 403 ? /claim ([a-z]+:[a-z]+)/.exec(problem.detail)?.[1] : undefined;
}

/** What a pointer into a request leads to, as people call it: `query/tag` is `tag`. */
export const fieldOf = (pointer: string): string =>
  pointer.replace(/^\/?(query|path|header)\//, "").replace(/^\//, "");

/** What is wrong, without the pointer that it begins with: `/password is not valid: the password …`. */
export function detailOf({ detail, errors = [] }: Problem): string {
  const it = errors.find(({ pointer }) => detail.startsWith(`${pointer} is not valid: `));
  return it ? `${fieldOf(it.pointer)}: ${detail.slice(it.pointer.length + 15)}` : detail;
}

/** What is wrong of fields, but for what the problem says anyway. */
export const apart = ({ detail, errors = [] }: Problem) =>
  errors.filter((it) => !detail.includes(it.detail));
