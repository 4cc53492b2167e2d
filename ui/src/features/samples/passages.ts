// What a test run says, made ready to be shown: pure functions.
import { isScalar } from "yaml";
import type { Schemas } from "../../api/client";
import { count, plural } from "../../logic/format";
import { nodeAt, offsetOf } from "../editor/text";

export type TestRun = Schemas["TestRun"];
export type Stage = Schemas["TestRunStage"];
export type Passage = Schemas["TestRunRecord"];
type Fields = Record<string, unknown>;

export type Change = "same" | "changed" | "added" | "removed";

export interface FieldChange {
  name: string;
  before?: unknown;
  after?: unknown;
  change: Change;
}

/** Field by field, in the order in which they went out; what is gone stands at the end. */
export function changes(before: Fields, after: Fields): FieldChange[] {
  const left = Object.keys(before).filter((it) => !(it in after));
  return [
    ...Object.entries(after).map(([name, value]): FieldChange => {
      if (!(name in before)) return { name, after: value, change: "added" };
      const was = before[name];
      const change = said(was) === said(value) ? "same" : "changed";
      return { name, before: was, after: value, change };
    }),
    ...left.map((name): FieldChange => ({ name, before: before[name], change: "removed" })),
  ];
}

/** A value as JSON has it, so that a text is told from a number. */
export const said = (it: unknown): string => JSON.stringify(it) ?? "nothing";

/** How many records left a stage by a port; nothing where the run knows no such stage or edge. */
export function passed(
  run: TestRun | undefined,
  edge: { from: string; port: string; to: string },
): number | undefined {
  const { from, port, to } = edge;
  if (!run?.edges.some((it) => it.from === from && it.port === port && it.to === to))
    return undefined;
  const stage = run.stages.find((it) => it.stage === from);
  return stage && (stage.left.find((it) => it.port === port)?.records ?? 0);
}

/** What became of the records of a stage, in a few words. */
export function counts({ role, came, left, failed, dropped }: Stage): string {
  const all = left.filter((it) => it.records > 0);
  const out = all.map((it) => `${count(it.records)} to ${it.port}`).join(", ");
  return [
    role !== "source" && `${count(came)} in`,
    out || (role !== "sink" && "none out"),
    dropped > 0 && `${count(dropped)} left out`,
    failed > 0 && `${count(failed)} failed`,
  ]
    .filter(Boolean)
    .join(", ");
}

export interface Verdict {
  tone: "ok" | "warn" | "err";
  words: string;
}

export function verdict({ ending, findings = [], stages }: TestRun): Verdict {
  const failed = stages.reduce((sum, it) => sum + it.failed, 0);
  if (ending === "invalid") {
    const errors = findings.filter((it) => it.severity === "error").length;
    return { tone: "err", words: `It can’t be run: ${plural(errors, "error")}` };
  }
  if (ending === "failed") return { tone: "err", words: "It would be rolled back" };
  if (ending === "late") return { tone: "err", words: "It was not done in time" };
  if (failed > 0)
    return { tone: "warn", words: `It would be committed, but ${plural(failed, "record")} failed` };
  return { tone: "ok", words: "All of it would be committed" };
}

/** What becomes of a record that failed at a stage. */
export const FATE = {
  rollback: "rolls all of it back",
  deadLetter: "becomes a dead letter",
  ignore: "is left out",
} as const;

export interface InScript {
  line: number;
  column: number;
}

/** The place in a script that a reason begins with. */
export function inScript(reason: string): InScript | undefined {
  const [, line, column] = /^line (\d+), column (\d+) of the script\b/.exec(reason) ?? [];
  return line && column ? { line: +line, column: +column } : undefined;
}

/** Where that is in the workflow's text; nothing where the script stands elsewhere, as in a file. */
export function inText(text: string, stage: string, at: InScript): InScript | undefined {
  const path = ["spec", "stages", { name: stage }, "processor", "javascript", "script"] as const;
  const offset = offsetOf(text, path);
  if (offset === undefined) return undefined;
  const line = text.slice(0, offset).split("\n").length;
  const node = nodeAt(text, path);
  if (!isScalar(node)) return undefined;
  if (node.type === "BLOCK_LITERAL") {
    const first = text
      .split("\n")
      .slice(line)
      .find((it) => it.trim() !== "");
    const indent = first ? first.length - first.trimStart().length : 0;
    return { line: line + at.line, column: indent + at.column };
  }
  // In quotes or folded, lines are others than they are written: it begins here.
  return { line, column: 1 };
}

/** Long texts say how they go on. */
export const shortened = (text: string, most: number) =>
  text.length > most ? `${text.slice(0, most)} … (${plural(text.length, "character")})` : text;
