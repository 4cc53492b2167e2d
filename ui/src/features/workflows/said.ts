// What the graph shows of a stage and of an edge, as words for those who hear it: plain functions.
import type { Schemas } from "../../api/client";
import type { Rates } from "../../live/history";
import type { Load } from "../../live/load";
import { percent, plural, rate, short, words } from "../../logic/format";

/** A stage: what it is, how much passes, and what fails there. */
export function stageSaid(stage: Schemas["Stage"], flow?: Rates, spent?: Load): string {
  const { id, role, kind, counts } = stage;
  const bad = counts.deadLetters + counts.ignored;
  const told = [
    `Stage ${id}, ${words(kind)}`,
    // It may not be known yet.
    ...(flow ? [rate(role === "source" ? flow.recordsOut : flow.recordsIn)] : []),
    `${short(counts.recordsIn)} in`,
    `${short(counts.recordsOut)} out`,
    bad > 0 ? plural(bad, "bad record") : "no bad records",
  ];
  if (spent && spent.blocked >= 0.01) told.push(`${percent(spent.blocked)} held up`);
  if (spent && spent.busy >= 0.01) told.push(`${percent(spent.busy)} busy`);
  return told.join(", ");
}

export const edgeSaid = ({ from, port, to }: Schemas["Edge"]) =>
  `Records from ${from}${port === "out" ? "" : `, port ${port},`} to ${to}`;
