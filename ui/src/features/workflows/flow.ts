// What can be said of the flow through a workflow, in a sentence.
import type { Schemas } from "../../api/client";
import type { Rates } from "../../live/history";
import type { StageRates } from "../../live/stages";
import { percent, plural, rate } from "../../logic/format";
import type { Sentence } from "../../logic/health";
import { bottleneck, fallsBehind, type Loads, mostWait, steady } from "./bottleneck";

type Detail = Schemas["WorkflowDetail"];

/** How many times as many records come in as go out where that asks for a reason. */
const FAR = 10;

/** More bad records than this share are worth a warning. */
const BAD_SHARE = 0.001;

export function flow(
  detail: Detail,
  rates: Rates | undefined,
  /** How stages spend their time, as it was looked at some times; the newest first. */
  looks: readonly Loads[] = [],
  stages: StageRates = new Map(),
): Sentence {
  const said = moving(detail, rates, looks, stages);
  const paused = detail.pausedStreams ?? 0;
  if (paused === 0) return said;
  const text = `${plural(paused, "stream")} paused: nothing more is read there until somebody resumes it.`;
  return { tone: said.tone === "ok" ? "info" : said.tone, text: `${text} ${said.text}` };
}

function moving(
  detail: Detail,
  rates: Rates | undefined,
  looks: readonly Loads[],
  stages: StageRates,
): Sentence {
  const { fault, state, schedule } = detail;
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
  const isMoving = rates !== undefined && rates.recordsIn > 0;
  const bad = isMoving ? badNow(rates) : badSoFar(detail);
  const moves = isMoving
    ? `${rate(rates.recordsIn)} records in, ${rate(rates.recordsOut)} out.`
    : "";
  const [loads = new Map()] = looks;
  const seen = looks.filter((it) => it.size > 0);
  const narrow = steady(seen.map((it) => bottleneck(detail.stages, detail.edges, it)));
  if (narrow) {
    const { stage, waits, blocked, waiting } = narrow;
    const why = `${stage} sets the pace: it ${spends(narrow)}, and ${waits} is held up ${percent(blocked)} of its time`;
    const queue = waiting > 0 ? `; ${wait(waiting)} for ${stage}` : "";
    return { tone: "warn", text: joined(moves, `${why}${queue}.`, bad) };
  }
  const late = moves && fallsBehind(detail.stages, detail.edges, loads, stages);
  if (late) {
    const { stage, by, waiting } = late;
    const why = `${stage} falls behind by ${rate(by)}: it ${spends(late)}, and ${wait(waiting)} for it.`;
    return { tone: "warn", text: joined(moves, why, bad) };
  }
  const isFar = isMoving && rates.recordsIn > FAR * rates.recordsOut;
  const queue = isFar ? mostWait(detail.stages, detail.edges) : undefined;
  if (queue && queue.waiting > (rates?.recordsIn ?? 0))
    return { tone: "warn", text: joined(moves, `${wait(queue.waiting)} for ${queue.stage}.`, bad) };
  const [busiest] = [...loads].sort(([, a], [, b]) => b.busy - a.busy);
  const pace =
    moves && busiest
      ? `No stage holds up others: the busiest, ${busiest[0]}, works ${percent(busiest[1].busy)} of its time.`
      : "";
  if (moves || bad) return { tone: bad ? "warn" : "ok", text: joined(moves, pace, bad) };
  const open =
    detail.openStreams > 0 ? `${plural(detail.openStreams, "stream")} open` : "Waiting for input";
  return {
    tone: "ok",
    text: `${open}; numbers count streams that have ended, and live ones with each checkpoint.`,
  };
}

const spends = ({ holds, busy }: { holds: boolean; busy: number }) =>
  holds ? "holds records back" : `is busy ${percent(busy)} of its time`;

const wait = (records: number) =>
  `${plural(records, "record")} ${records === 1 ? "waits" : "wait"}`;

const joined = (...parts: string[]) => parts.filter((it) => it !== "").join(" ");

/** What was bad long ago, and is replayed by now, says nothing of what moves. */
function badNow({ recordsIn, deadLetters }: Rates): string {
  const share = deadLetters / recordsIn;
  return share > BAD_SHARE
    ? `${(100 * share).toFixed(1)} % of its records go to the dead letters.`
    : "";
}

function badSoFar(detail: Detail): string {
  const worst = worstStage(detail);
  const share = worst ? worst.counts.deadLetters / Math.max(1, detail.counts.recordsIn) : 0;
  if (!worst || share <= BAD_SHARE) return "";
  const records = plural(worst.counts.deadLetters, "record");
  return `${worst.id} sent ${records} (${(100 * share).toFixed(1)} %) to the dead letters.`;
}

function worstStage({ stages }: Detail): Schemas["Stage"] | undefined {
  return [...stages]
    .sort((a, b) => b.counts.deadLetters - a.counts.deadLetters)
    .find((it) => it.counts.deadLetters > 0);
}
