// Which findings are about the value at a path, and where in its text they are: pure functions.
import type { Finding } from "../projects/projects";
import { type Path, valueAt } from "./text";

/** Whether a finding's path is this one; it names entries of lists by place or by name. */
export function isAt(said: string, path: Path, whole: unknown): boolean {
  const steps = [...said.matchAll(/\[([^\]]+)\]|[^.[\]]+/g)].map((it) => it[1] ?? it[0]);
  if (steps.length !== path.length) return false;
  return path.every((step, at) => {
    if (typeof step === "string") return steps[at] === step;
    if (typeof step === "number") {
      const name = (valueAt(whole, path.slice(0, at + 1)) as { name?: unknown } | undefined)?.name;
      return steps[at] === String(step) || steps[at] === name;
    }
    if (steps[at] === step.name) return true;
    const list = valueAt(whole, path.slice(0, at));
    return Array.isArray(list) && list[Number(steps[at])]?.name === step.name;
  });
}

export const findingsAt = (all: readonly Finding[], path: Path, whole: unknown) =>
  all.filter((it) => it.path && isAt(it.path, path, whole));

export interface Spot {
  line: number;
  column: number;
  message: string;
  severity: "error" | "warning";
}

const PLACED = /^line (\d+), column (\d+) of the (?:script|expression): (.*)$/s;
/** What an expression calls wrong is named in quotes, or after a word that says what it is. */
const NAMED = /["'`“]([\w.]+)["'`”]|\b(?:field|column|function) (\w+)/;

/** Where in the text of the field it is wrong. */
export function spotOf({ cause, fix, severity }: Finding, text: string): Spot {
  const message = (said: string) => (fix ? `${said}; ${fix}` : said);
  const placed = PLACED.exec(cause);
  if (placed) {
    const [, line, column, said = ""] = placed;
    return { line: Number(line), column: Number(column), message: message(said), severity };
  }
  const found = NAMED.exec(cause);
  const word = found?.[1] ?? found?.[2];
  const lines = text.split("\n");
  const line = word ? lines.findIndex((it) => it.includes(word)) : -1;
  const column = word && line >= 0 ? (lines[line]?.indexOf(word) ?? 0) + 1 : 1;
  return { line: Math.max(line, 0) + 1, column, message: message(cause), severity };
}
