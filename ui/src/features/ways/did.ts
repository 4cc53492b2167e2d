// What a workflow did, in a sentence.
import type { Schemas } from "../../api/client";
import { count, plural } from "../../logic/format";

type Summary = Pick<
  Schemas["WorkflowSummary"],
  "committed" | "committedWithWarnings" | "rolledBack" | "openStreams" | "counts" | "state"
>;

type Counted = Pick<Schemas["Stage"], "id" | "counts">;

/** What a stream of it is. */
export type One = "file" | "stream";

export function did(of: Summary, one: One, stages: readonly Counted[]): string {
  const { committed, committedWithWarnings, rolledBack, openStreams, counts } = of;
  const ended = committed + committedWithWarnings;
  // One that never ends has published what came before its last checkpoint.
  const again = of.state === "failed" ? "done again once it is started anew" : "done again";
  const lost =
    one === "file" ? "nothing of it was written" : `what it had not published is ${again}`;
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

/** How many dead letters are there, and how many records had failed when they were counted. */
export interface Kept {
  letters: number;
  failed: number;
}

/**
 * What became of the records that failed: a stream that is rolled back leaves no letters. `kept` is absent where it is not
 * known.
 */
export function keptOf(rolledBack: number, one: One, kept: Kept | undefined): string {
  if (rolledBack === 0) {
    if (!kept || kept.letters >= kept.failed)
      return "Each is kept with the reason, as a dead letter; all others went on.";
    const left = kept.letters === 0 ? "None" : count(kept.letters);
    return `${left} of their dead letters ${kept.letters === 1 ? "is" : "are"} still kept; all others went on.`;
  }
  const them = rolledBack === 1 ? "it" : "them";
  const since = one === "file" ? "" : " since the last checkpoint";
  const lost = `${plural(rolledBack, one)} ${rolledBack === 1 ? "was" : "were"} rolled back: nothing of ${them} was published${since}, and no dead letter was kept.`;
  if (kept?.letters === 0) return lost;
  if (!kept) return `${lost} What else failed is kept with the reason.`;
  return `${lost} ${plural(kept.letters, "dead letter")} of others ${kept.letters === 1 ? "is" : "are"} kept, with the reason.`;
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
