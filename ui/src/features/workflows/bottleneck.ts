// Which stage sets the pace of a workflow, told from how stages spend their time and from what waits between them.
import type { Schemas } from "../../api/client";
import type { Rates } from "../../live/history";
import type { Load } from "../../live/load";
import { by } from "./edges";

/** Who waits for less than this share of its time is not held up. */
const HELD_UP = 0.1;
/** Who works for less than this share of its time is not said to work. */
const WORKS = 0.01;

type Stages = readonly Pick<Schemas["Stage"], "id" | "kind" | "counts">[];
type Edges = readonly Pick<Schemas["Edge"], "from" | "port" | "to">[];
export type Loads = ReadonlyMap<string, Load>;

export interface Bottleneck {
  stage: string;
  busy: number;
  /** It holds records back, whatever it is busy with. */
  holds: boolean;
  /** Who waits for it most. */
  waits: string;
  blocked: number;
  /** Records that were sent to it and that it has not taken; none where that is not known. */
  waiting: number;
}

/**
 * The last stage on its way that holds up the one before it, and is not held up itself; of several, a throttle, or the
 * busiest. Nothing where none is held up, or where it can't be told which of several it waits for.
 */
export function bottleneck(stages: Stages, edges: Edges, loads: Loads): Bottleneck | undefined {
  const held = new Set([...loads].flatMap(([id, it]) => (it.blocked >= HELD_UP ? [id] : [])));
  if (held.size === 0) return undefined;
  const brakes = new Set(edges.flatMap((it) => (held.has(it.from) ? [it.to] : [])));
  const queues = queuesOf(stages, edges);
  const [first, second] = stages
    .filter(({ id }) => brakes.has(id) && loads.has(id) && !held.has(id))
    .map(({ id, kind }) => {
      const busy = loads.get(id)?.busy ?? 0;
      const throttles = kind === "throttle";
      const works = busy < WORKS ? 0 : busy;
      const waiting = queues.get(id)?.waiting ?? 0;
      return { stage: id, busy, works, throttles, waiting };
    })
    // A throttle that others wait for holds them back by design, however busy another of them is.
    .sort((a, b) => +b.throttles - +a.throttles || b.works - a.works || b.waiting - a.waiting);
  if (!first) return undefined;
  const holds = first.throttles || first.works === 0;
  const isGuess = holds && !first.throttles && first.waiting === second?.waiting;
  const [waits] = [...before(first.stage, edges)]
    .flatMap((id) => (held.has(id) ? [{ id, blocked: loads.get(id)?.blocked ?? 0 }] : []))
    .sort((a, b) => b.blocked - a.blocked);
  if (isGuess || !waits) return undefined;
  const { stage, busy, waiting } = first;
  return { stage, busy, holds, waits: waits.id, blocked: waits.blocked, waiting };
}

/** What most of some looks say, the newest first: one that differs from those around it is chance. */
export function steady(looks: readonly (Bottleneck | undefined)[]): Bottleneck | undefined {
  const votes = (of: string | undefined) => looks.filter((it) => it?.stage === of).length;
  const [first, ...others] = looks;
  // The newest of those that are told as often.
  return others.reduce((most, it) => (votes(it?.stage) > votes(most?.stage) ? it : most), first);
}

interface Queue {
  /** Those before the stage. */
  from: string[];
  /** Records that they sent to it and that it has not taken. */
  waiting: number;
}

/** Once for each list of stages, whoever asks: each look asks anew. */
const KNOWN = new WeakMap<Stages, { edges: Edges; queues: ReadonlyMap<string, Queue> }>();

/** What waits for each stage. Where one before it has several ports it is not known what of its comes. */
function queuesOf(stages: Stages, edges: Edges): ReadonlyMap<string, Queue> {
  const known = KNOWN.get(stages);
  if (known?.edges === edges) return known.queues;
  const queues = counted(stages, edges);
  KNOWN.set(stages, { edges, queues });
  return queues;
}

function counted(stages: Stages, edges: Edges): ReadonlyMap<string, Queue> {
  const counts = new Map(stages.map((it) => [it.id, it.counts]));
  const ports = new Map<string, Set<string>>();
  const from = new Map<string, Set<string>>();
  for (const it of edges) {
    ports.set(it.from, (ports.get(it.from) ?? new Set()).add(it.port));
    from.set(it.to, (from.get(it.to) ?? new Set()).add(it.from));
  }
  const queues = [...from].flatMap(([id, senders]): [string, Queue][] => {
    const all = [...senders];
    if (all.some((it) => ports.get(it)?.size !== 1)) return [];
    const sent = all.reduce((total, it) => total + (counts.get(it)?.recordsOut ?? 0), 0);
    return [[id, { from: all, waiting: Math.max(0, sent - (counts.get(id)?.recordsIn ?? 0)) }]];
  });
  return new Map(queues);
}

/** For which stage the most records wait. */
export function mostWait(
  stages: Stages,
  edges: Edges,
): { stage: string; waiting: number } | undefined {
  return [...queuesOf(stages, edges)]
    .map(([stage, { waiting }]) => ({ stage, waiting }))
    .filter((it) => it.waiting > 0)
    .sort((a, b) => b.waiting - a.waiting)[0];
}

/** Who works for less than this share of its time could take what comes. */
const AT_ITS_LIMIT = 0.7;
/** What comes is at least so many times what is taken: less may be how it was counted. */
const CLEARLY = 1.1;

export interface Behind {
  stage: string;
  busy: number;
  /** It holds records back, whatever it is busy with. */
  holds: boolean;
  /** Records per second that come and are not taken. */
  by: number;
  /** Records that were sent to it and that it has not taken. */
  waiting: number;
}

/** What can be asked of the rates of all stages; few of them are. */
type RatesOf = Pick<ReadonlyMap<string, Pick<Rates, "recordsIn" | "recordsOut">>, "get">;

/** So much more is no chance, whatever a stage does with its time. */
const FAR = 10;

/**
 * The stage that takes clearly less than is sent to it, and has no time for more, holds records back, or takes next to
 * nothing: those before it are not held up yet, as there is room between them.
 */
export function fallsBehind(
  stages: Stages,
  edges: Edges,
  loads: Loads,
  rates: RatesOf,
): Behind | undefined {
  const queues = queuesOf(stages, edges);
  const found = stages.flatMap(({ id, kind }): Behind[] => {
    const queue = queues.get(id);
    if (!queue || queue.waiting === 0) return [];
    const { from, waiting } = queue;
    const busy = loads.get(id)?.busy ?? 0;
    const taken = rates.get(id)?.recordsIn;
    if (taken === undefined) return [];
    const sent = from.reduce((total, it) => total + (rates.get(it)?.recordsOut ?? 0), 0);
    const holds = kind === "throttle";
    const isFar = sent > FAR * taken;
    const isBehind = sent > CLEARLY * taken;
    const isMeant = busy >= AT_ITS_LIMIT || holds || isFar;
    return isBehind && isMeant ? [{ stage: id, busy, holds, by: sent - taken, waiting }] : [];
  });
  return found.sort((a, b) => b.by - a.by)[0];
}

/** All stages whose records may come to one. */
function before(to: string, edges: Edges): Set<string> {
  const into = by(edges, "to");
  const seen = new Set<string>();
  const due = [to];
  for (let at = due.pop(); at !== undefined; at = due.pop())
    for (const it of into.get(at) ?? [])
      if (!seen.has(it.from)) {
        seen.add(it.from);
        due.push(it.from);
      }
  seen.delete(to);
  return seen;
}
