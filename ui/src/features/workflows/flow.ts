// What can be said of the flow through a workflow, in a sentence.
import type { Schemas } from "../../api/client";
import type { Rates } from "../../live/history";
import type { Load } from "../../live/load";
import { percent, plural, rate } from "../../logic/format";
import type { Sentence } from "../../logic/health";
import { bottleneck } from "./bottleneck";

type Detail = Schemas["WorkflowDetail"];

/** More bad records than this share are worth a warning. */
const BAD_SHARE = 0.001;

export function flow(
  detail: Detail,
  rates: Rates,
  loads: ReadonlyMap<string, Load> = new Map(),
): Sentence {
  const { fault, state, schedule, counts } = detail;
  if (detail.unreached?.length) {
    const silent = detail.unreached.join(", ");
    return { tone: "warn", text: `Not counted is what ${silent} did: no answer from there.` };
  }
  if (fault)
    return {
      tone: state === "failed" ? "err" : "warn",
      text: `${fault.message}${fault.hint ? ` — ${fault.hint}` : ""}`,
    };
  if (schedule && schedule.missing > 0) {
    const why = schedule.reasons?.[0]?.detail;
    return {
      tone: "warn",
      text: `${plural(schedule.missing, "instance")} of ${schedule.target} can't be placed${why ? `: ${why}` : ""}.`,
    };
  }
  const worst = worstStage(detail);
  if (worst && counts.recordsIn > 0 && worst.counts.deadLetters / counts.recordsIn > BAD_SHARE) {
    const share = ((100 * worst.counts.deadLetters) / counts.recordsIn).toFixed(1);
    return {
      tone: "warn",
      text: `${worst.id} sent ${plural(worst.counts.deadLetters, "record")} (${share} %) to the dead letters.`,
    };
  }
  const moves =
    rates.recordsIn > 0
      ? `${rate(rates.recordsIn)} records in, ${rate(rates.recordsOut)} out.`
      : "";
  const narrow = bottleneck(detail.edges, loads);
  if (narrow) {
    const { stage, busy, waits, blocked } = narrow;
    const why = `${stage} sets the pace: it is busy ${percent(busy)} of its time, and ${waits} is held up ${percent(blocked)} of its.`;
    return { tone: "warn", text: moves ? `${moves} ${why}` : why };
  }
  const [busiest] = [...loads].sort(([, a], [, b]) => b.busy - a.busy);
  if (moves && busiest)
    return {
      tone: "ok",
      text: `${moves} It keeps up: the busiest stage, ${busiest[0]}, works ${percent(busiest[1].busy)} of its time.`,
    };
  if (moves) return { tone: "ok", text: moves };
  const open =
    detail.openStreams > 0 ? `${plural(detail.openStreams, "stream")} open` : "Waiting for input";
  return {
    tone: "ok",
    text: `${open}; numbers count streams that have ended, and live ones with each checkpoint.`,
  };
}

function worstStage({ stages }: Detail): Schemas["Stage"] | undefined {
  return [...stages]
    .sort((a, b) => b.counts.deadLetters - a.counts.deadLetters)
    .find((it) => it.counts.deadLetters > 0);
}
