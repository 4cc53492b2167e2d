// Items as they are named, counted and told: plain functions.
import type { Schemas } from "../../api/client";

/** The node of an incarnation, as `node#incarnation`. */
export const nodeOf = (owner: string): string => owner.split("#")[0] ?? owner;

export const keyOf = (it: Schemas["ItemHappening"]): string =>
  it.what === "run" ? it.stream : `${it.what} ${it.at} ${it.sweep ?? it.by}`;

const SETTLED: readonly Schemas["ItemStatus"][] = ["done", "failed", "denied", "released"];

/** Whether all of them have come to an end. One that is not listed was forgotten, and may be found again. */
export function areSettled(
  names: readonly string[],
  listed: readonly Pick<Schemas["Item"], "name" | "status">[],
): boolean {
  const ended = new Set(listed.flatMap((it) => (SETTLED.includes(it.status) ? it.name : [])));
  return names.every((it) => ended.has(it));
}
