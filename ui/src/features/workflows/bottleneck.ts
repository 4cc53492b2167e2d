// Which stage sets the pace of a workflow, told from how stages spend their time.
import type { Schemas } from "../../api/client";
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
