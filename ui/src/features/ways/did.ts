// What a workflow did, in a sentence.
import type { Schemas } from "../../api/client";
import { plural } from "../../logic/format";

type Summary = Pick<
  Schemas["WorkflowSummary"],
  "committed" | "committedWithWarnings" | "rolledBack" | "openStreams" | "counts"
>;

type Counted = Pick<Schemas["Stage"], "id" | "counts">;

/** `one`: what a stream of it is. */
export function did(of: Summary, one: "file" | "stream", stages: readonly Counted[]): string {
  const { committed, committedWithWarnings, rolledBack, openStreams, counts } = of;
  const ended = committed + committedWithWarnings;
  // One that never ends has published what came before its last checkpoint.
  const lost =
    one === "file" ? "nothing of it was written" : "what it had not published is done again";
  const bad = rolledBack > 0 ? ` ${plural(rolledBack, one)} rolled back: ${lost}.` : "";
  if (openStreams > 0 && ended === 0) return `Works on ${plural(openStreams, one)} now.${bad}`;
  if (ended === 0) return bad ? bad.trim() : "Nothing yet since it was started.";
  const now = openStreams > 0 ? ` Works on ${plural(openStreams, one)} now.` : "";
  return `Read ${plural(counts.recordsIn, "record")} from ${plural(ended, one)}.${leftOut(stages)}${bad}${now}`;
}

/**
 * What rules of stages left out. Each stage says so for itself: what one of them leaves out may well
 * be written by a branch beside it.
 */
function leftOut(stages: readonly Counted[]): string {
  return stages
    .filter((it) => it.counts.dropped > 0)
    .map(
      ({ id, counts }) =>
        ` Of what came to stage ${id}, its rules left out ${plural(counts.dropped, "record")}.`,
    )
    .join("");
}

/** Where records failed, the most first. */
export function failedAt(stages: readonly Counted[]): string {
  const bad = stages.filter((it) => it.counts.deadLetters > 0);
  if (bad.length === 0) return "";
  const parts = [...bad]
    .sort((a, b) => b.counts.deadLetters - a.counts.deadLetters)
    .map((it) => `${it.counts.deadLetters} at stage ${it.id}`);
  return `, ${parts.join(", ")}`;
}
