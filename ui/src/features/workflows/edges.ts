// Edges by where they begin or end: what asks for those of each stage must not go through all of them each time.
import type { Schemas } from "../../api/client";

/** What tells it from others. */
export const edgeId = ({ from, port, to }: Schemas["Edge"]) => `${from}.${port}>${to}`;

/** They stay in their order. */
export function by<E extends Record<K, string>, K extends string>(
  edges: readonly E[],
  end: K,
): ReadonlyMap<string, readonly E[]> {
  const found = new Map<string, E[]>();
  for (const it of edges) {
    const there = found.get(it[end]);
    if (there) there.push(it);
    else found.set(it[end], [it]);
  }
  return found;
}
