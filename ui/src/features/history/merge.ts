// What is decided about the conflicts of a merge: pure functions.
import type { Schemas } from "../../api/client";

export type Merge = Schemas["MergeResult"];
export type Conflict = Schemas["MergeConflict"];

export interface Choice {
  take: "ours" | "theirs" | "value";
  /** Of `value`, as it was typed. */
  typed: string;
}

export const keyOf = ({ path, field }: Conflict) => `${path}:${field ?? ""}`;

/** As one would type it again: texts as they are, all else as JSON. */
export function said(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 1);
}

/** What was typed for a field; what is no JSON is a text. A file is a text anyhow. */
export function typedAs(conflict: Conflict, typed: string): unknown {
  if (conflict.field === undefined || conflict.field === null) return typed;
  if (typeof conflict.ours === "string" && typeof conflict.theirs === "string") return typed;
  try {
    return JSON.parse(typed);
  } catch {
    return typed;
  }
}

/** Absent: not all of them are decided. */
export function decisionsOf(
  merge: Merge,
  choices: Record<string, Choice>,
): Schemas["MergeDecisions"] | undefined {
  const { ours, theirs, conflicts = [] } = merge;
  if (!ours || !theirs || conflicts.some((it) => !choices[keyOf(it)])) return undefined;
  const decided = conflicts.map((it) => {
    const { take, typed } = choices[keyOf(it)] as Choice;
    const value = take === "value" ? typedAs(it, typed) : undefined;
    return { path: it.path, field: it.field, take, value: value as Record<string, never> };
  });
  return { ours, theirs, conflicts: decided };
}
