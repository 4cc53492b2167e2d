// Which stage sets the pace of a workflow, told from how stages spend their time and from what waits between them.
import type { Schemas } from "../../api/client";
import type { Rates } from "../../live/history";
import type { Load } from "../../live/load";

/** Who waits for less than this share of its time is not held up. */
const HELD_UP = 0.1;

export interface Bottleneck {
  stage: string;
  busy: number;
  /** Who waits for it most. */
  waits: string;
  blocked: number;
}

/** The busiest of the stages behind one that is held up; nothing where none is. */
export function bottleneck(
  edges: readonly Pick<Schemas["Edge"], "from" | "to">[],
  loads: ReadonlyMap<string, Load>,
): Bottleneck | undefined {
  const [held] = [...loads]
    .filter(([, it]) => it.blocked >= HELD_UP)
    .sort(([, a], [, b]) => b.blocked - a.blocked);
  if (!held) return undefined;
  const [busiest] = [...behind(held[0], edges)]
    .flatMap((id) => {
      const load = loads.get(id);
      return load ? [{ id, busy: load.busy }] : [];
    })
    .sort((a, b) => b.busy - a.busy);
  if (!busiest) return undefined;
  return { stage: busiest.id, busy: busiest.busy, waits: held[0], blocked: held[1].blocked };
}

/** Who works for less than this share of its time could take what comes. */
const AT_ITS_LIMIT = 0.7;
/** What comes is at least so many times what is taken: less may be how it was counted. */
const CLEARLY = 1.1;

export interface Behind {
  stage: string;
  busy: number;
  /** Records per second that come and are not taken. */
  by: number;
  /** Records that were sent to it and that it has not taken. */
  waiting: number;
}

/**
 * The stage that takes clearly less than is sent to it, and has no time for more: those before it are not held up yet,
 * as there is room between them. Of a stage whose senders have several ports it is not known what of theirs comes to it.
 */
export function fallsBehind(
  stages: readonly Pick<Schemas["Stage"], "id" | "counts">[],
  edges: readonly Schemas["Edge"][],
  loads: ReadonlyMap<string, Load>,
  rates: ReadonlyMap<string, Pick<Rates, "recordsIn" | "recordsOut">>,
): Behind | undefined {
  const countsOf = (id: string) => stages.find((it) => it.id === id)?.counts;
  const found = stages.flatMap(({ id, counts }): Behind[] => {
    const busy = loads.get(id)?.busy ?? 0;
    const taken = rates.get(id)?.recordsIn;
    const senders = edges.filter((it) => it.to === id).map((it) => it.from);
    const isAll = (from: string) =>
      new Set(edges.flatMap((it) => (it.from === from ? [it.port] : []))).size === 1;
    if (busy < AT_ITS_LIMIT || taken === undefined || !senders.every(isAll)) return [];
    const sum = (of: (from: string) => number | undefined) =>
      senders.reduce((total, from) => total + (of(from) ?? 0), 0);
    const sent = sum((from) => rates.get(from)?.recordsOut);
    const waiting = sum((from) => countsOf(from)?.recordsOut) - counts.recordsIn;
    const isBehind = sent > CLEARLY * taken && waiting > 0;
    return isBehind ? [{ stage: id, busy, by: sent - taken, waiting }] : [];
  });
  return found.sort((a, b) => b.by - a.by)[0];
}

/** All stages to which records of a stage may come. */
function behind(from: string, edges: readonly Pick<Schemas["Edge"], "from" | "to">[]): Set<string> {
  const seen = new Set<string>();
  const due = [from];
  for (let at = due.pop(); at !== undefined; at = due.pop())
    for (const it of edges)
      if (it.from === at && !seen.has(it.to)) {
        seen.add(it.to);
        due.push(it.to);
      }
  seen.delete(from);
  return seen;
}
