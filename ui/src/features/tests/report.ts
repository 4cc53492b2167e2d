// What a run of a project's tests found. An operation's result is a plain value in the API's document.
import type { Schemas } from "../../api/client";

export interface Field {
  path: string;
  expected: unknown;
  got: unknown;
}

export interface Difference {
  file: string;
  line: number;
  /** Where in the workflow; absent where it is about the whole. */
  outlet?: string;
  what: string;
  expected?: unknown;
  got?: unknown;
  fields?: Field[];
}

export interface Case {
  test: string;
  case: string;
  workflow: string;
  file: string;
  line: number;
  result: "passed" | "failed" | "invalid";
  differences?: Difference[];
  findings?: Schemas["Finding"][];
}

export interface Report {
  passed: number;
  failed: number;
  invalid: number;
  cases: Case[];
  untested: string[];
}

const ORDER = { invalid: 0, failed: 1, passed: 2 };

/** What is wrong first, else as they were written. */
export const worstFirst = (all: readonly Case[]): Case[] =>
  [...all].sort((a, b) => ORDER[a.result] - ORDER[b.result]);

/** In one sentence. */
export function sentence({ passed, failed, invalid, cases }: Report): string {
  if (cases.length === 0) return "No case is called so.";
  if (passed === cases.length) return passed === 1 ? "It passed." : `All ${passed} cases passed.`;
  const said = [
    failed > 0 && `${failed} failed`,
    invalid > 0 && `${invalid} can’t be run`,
    `${passed} of ${cases.length} passed`,
  ];
  return `${said.filter((it) => it !== false).join(", ")}.`;
}
