// What becomes of the instances of a node: plain functions.
import type { Schemas } from "../../api/client";
import { plural } from "../../logic/format";

export type Move = Schemas["DrainMove"];

/** What has no place first, then by workflow and number. */
export const byFate = (all: readonly Move[]): Move[] =>
  [...all].sort(
    (a, b) =>
      Number(a.to !== null) - Number(b.to !== null) ||
      a.workflow.localeCompare(b.workflow) ||
      a.number - b.number,
  );

export function sentence(verb: "drain" | "undrain", all: readonly Move[]): string {
  if (all.length === 0)
    return verb === "drain"
      ? "Nothing runs there: nothing ends and nothing starts."
      : "Nothing starts or ends by it.";
  const stuck = all.filter((it) => it.to === null).length;
  const moved = all.length - stuck;
  const nodes = new Set(all.flatMap((it) => it.to ?? [])).size;
  const parts = [
    moved > 0 &&
      `${plural(moved, "instance")} ${moved === 1 ? "starts" : "start"} on ${plural(nodes, verb === "drain" ? "other node" : "node")}`,
    stuck > 0 &&
      `${plural(stuck, "instance")} ${stuck === 1 ? "has" : "have"} no place and ${stuck === 1 ? "runs" : "run"} nowhere until there is one`,
  ];
  return `${stuck > 0 ? "▲ " : ""}${parts.filter(Boolean).join("; ")}.`;
}
