// Which way up a drawn graph stands: a pure function. A layout counts crossings alone, and then what leaves the
// first port may stand below all others: such a graph is turned over.

export interface Led {
  from: string;
  to: string;
}

/** The middles of what is drawn, turned over where more of what one stage feeds is upside down than not. */
export function upright<T extends { x: number; y: number }>(
  middles: ReadonlyMap<string, T>,
  /** In the order in which they leave each stage. */
  edges: readonly Led[],
): ReadonlyMap<string, T> {
  const last = new Map<string, number>();
  let inOrder = 0;
  for (const { from, to } of edges) {
    const y = middles.get(to)?.y;
    if (y === undefined) continue;
    const before = last.get(from);
    if (before !== undefined) inOrder += Math.sign(y - before);
    last.set(from, y);
  }
  if (inOrder >= 0) return middles;
  const all = [...middles.values()].map((it) => it.y);
  const [top, bottom] = all.reduce(([low, high], it) => [Math.min(low, it), Math.max(high, it)], [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as [number, number]);
  return new Map([...middles].map(([id, it]) => [id, { ...it, y: top + bottom - it.y }]));
}
