// What the graph of a difference shows, as words for those who hear it or read it line by line: plain functions.
import { plural, words } from "../../logic/format";
import type { Change, DiffEdge, DiffStage, GraphDiff } from "./graphDiff";

/** Told by a sign and a word wherever it is told by a colour. */
export const SIGNS: Record<Change, [sign: string, tone: string]> = {
  added: ["+", "ok"],
  removed: ["−", "err"],
  changed: ["~", "warn"],
  renamed: ["→", "info"],
  same: ["=", "idle"],
};

/** What became of a stage, as `changed, 2 fields`. */
export function becameOf({ change, formerName, fields, isUnknown }: DiffStage): string {
  if (change === "same" && isUnknown) return "there before, too";
  const told = change === "renamed" ? [`renamed from ${formerName}`] : [WORDS[change]];
  if (fields.length > 0) told.push(plural(fields.length, "field"));
  return told.join(", ");
}

const WORDS: Record<Change, string> = {
  added: "added",
  removed: "removed",
  changed: "changed",
  renamed: "renamed",
  same: "as it was",
};

/** What there is to see, before a stage is chosen. */
export function overall({ stages, edges, settings }: GraphDiff): string {
  const changed = stages.filter((it) => it.change !== "same").length;
  if (changed > 0)
    return `Choose a stage to see what changed in it; ${plural(changed, "stage")} did.`;
  const isUnknown = stages.some((it) => it.isUnknown);
  if (edges.some((it) => it.change !== "same"))
    return `Connections changed, and no stage ${isUnknown ? "came or went" : "did"}.`;
  if (settings.length > 0) return "Only what stands beside the stages changed.";
  return isUnknown ? unmoved({ stages }) : "Nothing that is drawn or set changed.";
}

/** That the same stages and connections are there: of an engine's graph it is not known what was set in them. */
export const unmoved = ({ stages }: Pick<GraphDiff, "stages">): string =>
  stages.some((it) => it.isUnknown)
    ? "No stage and no connection came or went; what is set in them can’t be compared here."
    : "No stage and no connection changed.";

export function kindSaid({ stage: { asset, kind, role } }: DiffStage): string {
  return asset ? kind : words(kind) || `a ${role}`;
}

export const stageSaid = (it: DiffStage) =>
  `Stage ${it.stage.id}, ${kindSaid(it)}, ${becameOf(it)}`;

export const edgeSaid = ({ from, port, to, change }: DiffEdge) =>
  `Connection from ${from}${port === "out" ? "" : `, port ${port},`} to ${to}, ${WORDS[change]}`;
