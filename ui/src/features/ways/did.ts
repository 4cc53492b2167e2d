// What a workflow did, in a sentence.
import type { Schemas } from "../../api/client";
import { plural } from "../../logic/format";

type Summary = Pick<
  Schemas["WorkflowSummary"],
  "committed" | "committedWithWarnings" | "rolledBack" | "openStreams" | "counts"
>;

/** `one`: what a stream of it is. */
export function did(of: Summary, one: "file" | "stream"): string {
  const { committed, committedWithWarnings, rolledBack, openStreams, counts } = of;
  const ended = committed + committedWithWarnings;
  const bad =
    rolledBack > 0 ? ` ${plural(rolledBack, one)} rolled back: nothing of it was written.` : "";
  if (openStreams > 0 && ended === 0) return `Works on ${plural(openStreams, one)} now.${bad}`;
  if (ended === 0) return bad ? bad.trim() : "Nothing yet since the engine began.";
  const dropped =
    counts.dropped > 0 ? ` Its rules left out ${plural(counts.dropped, "record")} on the way.` : "";
  const now = openStreams > 0 ? ` Works on ${plural(openStreams, one)} now.` : "";
  return `Read ${plural(counts.recordsIn, "record")} from ${plural(ended, one)}.${dropped}${bad}${now}`;
}

/** Where records failed, the most first. */
export function failedAt(stages: readonly Pick<Schemas["Stage"], "id" | "counts">[]): string {
  const bad = stages.filter((it) => it.counts.deadLetters > 0);
  if (bad.length === 0) return "";
  const parts = [...bad]
    .sort((a, b) => b.counts.deadLetters - a.counts.deadLetters)
    .map((it) => `${it.counts.deadLetters} at stage ${it.id}`);
  return `, ${parts.join(", ")}`;
}
