// What is wrong in a cluster, worst first, and the one sentence that says how it is.
//
// - H1: a trouble is told once. What the cluster has an alarm of is told as that; what the page sees of it is told by
//   itself only until there is one, as an alarm waits until its cause has lasted.
import type { Schemas } from "../api/client";
import { type Alarm, inOrder, said, TONES, type Where, whereOf } from "./alarms";
import { end } from "./ends";
import { plural, rate } from "./format";
import { lost, present } from "./nodes";
import type { Tone } from "./state";

/** The scheduler's word for it. */
const NOT_DEPLOYED = "not-deployed";

export interface Trouble {
  /** Tells troubles apart while they last: the key of the alarm, where the cluster has one of it. */
  id: string;
  /** `info`: a note. Somebody wanted it so, and it is easily forgotten. */
  tone: Extract<Tone, "err" | "warn" | "info">;
  /** What it is about. */
  what: string;
  /** What is wrong with it. */
  why: string;
  hint?: string;
  since?: number;
  where: Where | undefined;
  /** What the cluster keeps of it. */
  alarm?: Alarm;
  /** What the page sees of it right now, which no alarm says. */
  now?: string;
  /** Somebody is to decide something, and all goes on meanwhile. */
  isWork?: boolean;
  /** Of another cluster that the server knows: this one is as it is. */
  isElsewhere?: boolean;
  /** What is remembered where somebody wants to see it no more. */
  putsAway?: string;
}

export interface Known {
  members?: Schemas["ClusterMembers"];
  leases?: Schemas["Page_Lease"];
  workflows?: Schemas["Page_WorkflowSummary"];
  schedule?: Schemas["Schedule"];
  activations?: Schemas["Page_Activation"];
  nodes?: Schemas["Page_Node"];
  alarms?: Schemas["Alarms"];
  /** The other clusters that can't be used, and why. */
  lost?: readonly Lost[];
  /** Of lost nodes those that are not to be told any more. */
  putAway?: ReadonlySet<string>;
  /** The share of bad records in the last minute, by workflow; absent where the page did not look for long enough. */
  bad?: Readonly<Record<string, number | undefined>>;
  /** Records per second that come to a workflow and are not taken, of those that the page looks at. */
  behind?: Readonly<Record<string, number>>;
  /** The cluster that the page is about can't be reached by its server. */
  away?: { cause: string; since?: number | undefined; urls?: readonly string[] } | undefined;
  /** What time it is for the cluster. */
  at?: number;
  /** What can't be seen now, and why: without it, nothing is said to be well. */
  unseen?: readonly Unseen[];
}

export interface Lost {
  name: string;
  cause: string;
  since?: number;
}

export interface Unseen {
  what: keyof typeof SEEN;
  why: string;
}

/** All that must be seen before a cluster is called healthy. */
export const SEEN = {
  members: "the members",
  workflows: "the workflows",
  leases: "the controllers",
  schedule: "the schedule",
  activations: "what nodes run",
  alarms: "the alarms",
} as const;

export const SEEN_TOPICS = Object.keys(SEEN) as (keyof typeof SEEN)[];

export function troubles(known: Known): Trouble[] {
  const found = seen(known);
  const keys = new Set(known.alarms?.items.map((it) => it.key));
  const all = [...away(known), ...alarmed(known, found), ...found.filter((it) => !keys.has(it.id))];
  const confirmed = (it: Trouble) => (it.alarm?.confirmation ? 1 : 0);
  return all.sort((a, b) => rankOf(a.tone) - rankOf(b.tone) || confirmed(a) - confirmed(b));
}

/** What the page finds in what it follows. */
function seen(known: Known): Trouble[] {
  // A node that is lost comes before what follows from it.
  return [
    ...store(known),
    ...nodes(known),
    ...gone(known),
    ...silent(known),
    ...leases(known),
    ...workflows(known),
    ...badRecords(known),
    ...late(known),
    ...missing(known),
    ...deployed(known),
    ...certificates(known),
    ...fleet(known),
    ...drained(known),
    ...paused(known),
  ];
}

/** What the cluster found, with what the page sees of it now. */
function alarmed({ alarms, members, putAway }: Known, found: readonly Trouble[]): Trouble[] {
  const now = new Map(found.map((it) => [it.id, it]));
  const unwanted = new Set(
    lost(members)
      .filter((it) => putAway?.has(it.uid))
      .map((it) => unreachable(it.name)),
  );
  return inOrder(alarms?.items ?? [])
    .filter((it) => !unwanted.has(it.key))
    .map((alarm) => {
      const { what, why } = said(alarm);
      const live = now.get(alarm.key);
      return {
        id: alarm.key,
        tone: TONES[alarm.severity],
        what,
        why: live?.now ? `${why}; ${live.now}` : why,
        hint: alarm.hint ?? undefined,
        since: Date.parse(alarm.raisedAt),
        where: whereOf(alarm),
        alarm,
        // They wait for somebody; that more and more come is another matter.
        isWork: alarm.kind === "dead-letters" && !live?.now,
        ...(live?.putsAway && { putsAway: live.putsAway }),
      };
    });
}

/** The worst first. */
export const rankOf = (tone: Trouble["tone"]) => ["err", "warn", "info"].indexOf(tone);

/** What is told after all that is wrong. */
export const isNote = (it: Trouble) => it.tone === "info" || it.isWork === true;

const unreachable = (name: string) => `node-unreachable:${name}`;

function away({ away }: Known): Trouble[] {
  if (!away) return [];
  const why = `can't be reached: ${away.cause}`;
  const hint = "What is shown of it is from before. The fleet says how it is reached.";
  return [
    {
      id: "cluster",
      tone: "err",
      what: "The cluster",
      why,
      hint,
      since: away.since,
      where: { to: "fleet" },
    },
  ];
}

/** A node that was drained for an hour's work is not to be missed for a month. */
function drained({ schedule, members }: Known): Trouble[] {
  const here = new Set(present(members)?.map((it) => it.name));
  return (schedule?.drained ?? [])
    .filter((it) => here.has(it))
    .map((name) => ({
      id: `node-drained:${name}`,
      tone: "info",
      what: name,
      why: "is drained: nothing new is put there",
      hint: "Undrain it once it is to be used again.",
      where: { to: "node", name },
    }));
}

function paused({ workflows }: Known): Trouble[] {
  const some = (workflows?.items ?? []).filter((it) => it.pausedStreams);
  return some.map(({ name, pausedStreams = 0 }) => ({
    id: `streams-paused:${name}`,
    tone: "info",
    what: name,
    why: `has ${plural(pausedStreams, "stream")} paused`,
    hint: "Nothing more is read there until somebody resumes it.",
    where: { to: "paused", workflow: name },
  }));
}

function store({ members }: Known): Trouble[] {
  if (!members?.storeTrouble) return [];
  const where = { to: "node" as const, name: members.node.name };
  return [
    {
      id: "store-unreachable:database",
      tone: "err",
      what: "Database",
      why: members.storeTrouble,
      where,
    },
  ];
}

function nodes({ members }: Known): Trouble[] {
  const bad = (members?.members ?? []).filter((it) => it.unreachable || it.status === "down");
  return bad.map((it) => ({
    id: unreachable(it.name),
    tone: "err",
    what: it.name,
    why: it.unreachable ? "can't be reached" : "is down",
    hint: reasonOf(it),
    since: sinceOf(it),
    where: { to: "node", name: it.name },
  }));
}

/** By the node that was asked; another one may have found it at another time. */
function sinceOf(it: Schemas["Member"]): number | undefined {
  if (it.unreachable) return it.unreachableSince ? Date.parse(it.unreachableSince) : undefined;
  return Date.parse(it.changedAt);
}

/** Of one that is not reached, the list says why it was let in. */
function reasonOf({ unreachable, unreachableFrom = [], reason }: Schemas["Member"]) {
  if (!unreachable) return reason;
  const hear = unreachableFrom.length === 1 ? "hears" : "hear";
  const who = unreachableFrom.join(", ") || "The others";
  return `${who} ${hear} nothing from it: its process, its machine or the way there has failed.`;
}

/** One that was lost stays a problem until it is back, or is put away. */
function gone({ members, putAway }: Known): Trouble[] {
  return lost(members)
    .filter((it) => !putAway?.has(it.uid))
    .map((it) => ({
      id: unreachable(it.name),
      tone: "warn",
      what: it.name,
      why: "is gone, and did not leave by itself",
      hint: `${it.reason}. Start it again, or put this away.`,
      since: Date.parse(it.changedAt),
      where: { to: "node", name: it.name },
      putsAway: it.uid,
    }));
}

/** Nodes that count as reachable and give no answer all the same: what they do is not in any number. */
function silent({ workflows, members }: Known): Trouble[] {
  const names = new Set((workflows?.items ?? []).flatMap((it) => it.unreached ?? []));
  const isTold = (name: string) =>
    members?.members.some((it) => it.name === name && (it.unreachable || it.status === "down"));
  return [...names]
    .filter((it) => !isTold(it))
    .map((name) => ({
      id: `node-silent:${name}`,
      tone: "warn",
      what: name,
      why: "gives no answer: what it runs and counts is not known",
      where: { to: "node", name },
    }));
}

function leases({ leases, members }: Known): Trouble[] {
  const bad = (leases?.items ?? []).filter((it) => it.state !== "held" || it.trouble);
  return bad.map((it) => ({
    id: `${it.state === "held" ? "controller-trouble" : "controller-missing"}:${it.name}`,
    tone: it.state === "held" ? "warn" : "err",
    what: it.name,
    why: it.trouble ?? (it.state === "free" ? "runs nowhere" : "its lease has expired"),
    where: { to: "node", name: it.owner?.name ?? members?.node.name ?? "" },
  }));
}

function workflows({ workflows }: Known): Trouble[] {
  const bad = (workflows?.items ?? []).filter((it) => it.fault || it.state === "failed");
  return bad.map((it) => ({
    id: `workflow-fault:${it.name}`,
    tone: it.state === "failed" ? "err" : "warn",
    what: it.name,
    why: it.fault?.message ?? "failed: it is not started again by itself",
    hint: it.fault?.hint ?? undefined,
    where: { to: "workflow", name: it.name },
  }));
}

/** More bad records than this share are a problem of their own. */
const BAD_SHARE_MAX = 0.01;

function badRecords({ bad = {} }: Known): Trouble[] {
  return Object.entries(bad)
    .filter((it): it is [string, number] => it[1] !== undefined && it[1] > BAD_SHARE_MAX)
    .map(([name, share]) => ({
      id: `dead-letters:${name}`,
      tone: "warn",
      what: name,
      now: `${shareOf(share)} of its records go there now`,
      why: `sends ${shareOf(share)} of its records to the dead letters`,
      hint: "Its dead letters say why; replay them once it is mended.",
      where: { to: "workflow", name },
    }));
}

/** No alarm: the cluster has none of it. */
function late({ behind = {} }: Known): Trouble[] {
  return Object.entries(behind).map(([name, by]) => ({
    id: `workflow-behind:${name}`,
    tone: "warn",
    what: name,
    why: `falls behind by ${rate(by)}`,
    hint: "More comes in than it takes, and waits. Its page says which stage sets the pace.",
    where: { to: "workflow", name },
  }));
}

const shareOf = (share: number) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** Workflows that sent too many records to the dead letters, and may do so still: the page did not look for long enough. */
export const unsure = ({ workflows, bad }: Known) =>
  (workflows?.items ?? []).filter(({ name, state, counts: { deadLetters, recordsIn } }) => {
    const isBad = deadLetters > BAD_SHARE_MAX * recordsIn;
    return isBad && bad?.[name] === undefined && state !== "stopped";
  });

function missing({ schedule }: Known): Trouble[] {
  const bad = (schedule?.workflows ?? []).filter((it) => it.missing > 0);
  return bad.map((it) => {
    const isNowhere = it.reasons?.every((reason) => reason.code === NOT_DEPLOYED) ?? false;
    return {
      id: `workflow-unplaced:${it.workflow}`,
      tone: it.placed === 0 && !isNowhere ? "err" : "warn",
      what: it.workflow,
      why: isNowhere
        ? `is wanted ${plural(it.target, "time")}, and no node has it deployed`
        : `${plural(it.missing, "instance")} of ${it.target} can't be placed`,
      hint: it.reasons?.map((reason) => reason.detail).join("; "),
      where: { to: "scheduler", workflow: it.workflow },
    };
  });
}

function deployed({ activations }: Known): Trouble[] {
  const bad = (activations?.items ?? []).filter((it) => it.failure);
  return bad.map((it) => ({
    id: `activation-failed:${it.node}`,
    tone: "err",
    what: it.node,
    why: `can't run ${it.failure?.target}: ${it.failure?.cause.message}`,
    hint: it.failure?.cause.hint ?? undefined,
    since: it.failure ? Date.parse(it.failure.at) : undefined,
    where: { to: "deployments" },
  }));
}

/** Certificates that end: a node whose own has ended reaches no other one, or is believed by no client. */
function certificates({ nodes, at }: Known): Trouble[] {
  if (at === undefined) return [];
  return (nodes?.items ?? []).flatMap((it): Trouble[] => {
    if (!it.certificateExpiresAt) return [];
    const { tone, text } = end(Date.parse(it.certificateExpiresAt), at);
    if (tone === "ok") return [];
    return [
      {
        id: `certificate-ending:${it.name}`,
        tone,
        what: it.name,
        why:
          tone === "err"
            ? "shows a certificate that has ended"
            : `its certificate ${text.startsWith("in") ? `ends ${text}` : text}`,
        hint: "Put another one in its place: see the guide to clusters.",
        where: { to: "node", name: it.name },
      },
    ];
  });
}

function fleet({ lost = [] }: Known): Trouble[] {
  return lost.map(({ name, cause, since }) => ({
    id: `cluster/${name}`,
    tone: "warn",
    what: `Cluster ${name}`,
    why: `can't be used: ${cause}`,
    hint: "The fleet says how it is reached.",
    since,
    where: { to: "fleet" },
    isElsewhere: true,
  }));
}

export interface Sentence {
  tone: Extract<Tone, "ok" | "info" | "warn" | "err" | "idle">;
  text: string;
  /** It is not known yet, and why: what is said once nothing more is heard that could tell. */
  untold?: string;
}

/** The sentence where nothing is heard any more: that of then. `when`: since when that is. */
export function asThen({ text, tone, untold }: Sentence, when: string): Sentence {
  if (untold !== undefined)
    return { tone: "idle", text: `${when}. It was not known yet: ${untold}` };
  if (tone === "idle") return { tone, text };
  return { tone: "idle", text: `${when}. As it was then: ${text}` };
}

/** How the cluster is, in a sentence; nothing is claimed before something is known. */
export function sentence(known: Known, all: readonly Trouble[]): Sentence {
  const here = ofHere(
    known,
    all.filter((it) => !it.isElsewhere),
  );
  const names = (known.lost ?? []).map((it) => it.name).join(", ");
  if (here.tone === "idle" || names === "") return here;
  const tone = here.tone === "err" ? here.tone : "warn";
  return { tone, text: `${here.text} Elsewhere, ${names} can't be used.` };
}

function ofHere(known: Known, all: readonly Trouble[]): Sentence {
  const { members, workflows, unseen = [] } = known;
  const problems = all.filter((it) => !isNote(it));
  const [worst] = problems;
  // Nobody sees how it is: that is another thing than to see that it is bad.
  if (known.away)
    return { tone: "err", text: `Out of reach: how the cluster is can't be seen from here.` };
  if (worst) {
    const more = problems.length > 1 ? `, and ${plural(problems.length - 1, "more problem")}` : "";
    const kind = worst.tone === "err" ? "Impaired" : "Degraded";
    const by = worst.alarm?.confirmation?.by;
    const seenBy = by ? ` (confirmed by ${by})` : "";
    return { tone: worst.tone, text: `${kind}: ${told(worst)}${seenBy}${more}.` };
  }
  if (SEEN_TOPICS.some((it) => !known[it] && !unseen.some(({ what }) => what === it)))
    return {
      tone: "idle",
      text: "Looking at the cluster …",
      untold: "not all of the cluster was seen.",
    };
  const [first] = unseen;
  if (first || !members || !workflows) {
    const names = unseen.map((it) => SEEN[it.what]).join(", ");
    return { tone: "idle", text: `Not known: ${names} can't be seen. ${first?.why ?? ""}` };
  }
  const [doubt] = unsure(known);
  if (doubt) {
    const { deadLetters, recordsIn } = doubt.counts;
    const share = shareOf(deadLetters / Math.max(1, recordsIn));
    const did = `sent ${share} of its records to the dead letters`;
    return {
      tone: "idle",
      text: `Looking at ${doubt.name}, which ${did} so far …`,
      untold: `${doubt.name} had ${did}, and may do so still.`,
    };
  }
  const notes = all.filter(isNote);
  if (notes.length > 0) {
    const text = notes.map((it) => `${told(it)}.`).join(" ");
    return { tone: "info", text: `${wellOf(members, workflows)} But ${text}` };
  }
  return { tone: "ok", text: wellOf(members, workflows) };
}

function wellOf(
  members: NonNullable<Known["members"]>,
  workflows: NonNullable<Known["workflows"]>,
): string {
  const up = members.members.filter((it) => it.status === "up" && !it.unreachable).length;
  const running = workflows.items.filter((it) => it.state !== "stopped").length;
  if (running === 0) return `Healthy: ${plural(up, "node")} up, and nothing deployed yet.`;
  const open = workflows.items.reduce((sum, it) => sum + it.openStreams, 0);
  const records = workflows.items.reduce((sum, it) => sum + it.counts.recordsIn, 0);
  const waits =
    records > 0 ? `waiting for input after ${plural(records, "record")}` : "waiting for input";
  const busy = open > 0 ? `, ${plural(open, "stream")} open` : `, ${waits}`;
  return `Healthy: ${plural(up, "node")} up, ${plural(running, "workflow")} running${busy}.`;
}

/** As a sentence; what an alarm says is one. */
function told({ what, why, alarm }: Trouble): string {
  const isSaid = alarm || /^(is|can't|runs|its|has|failed|falls|gives|shows|sends)\b/.test(why);
  return `${what} ${isSaid ? why : `– ${why}`}`.trim();
}
