// The graph as a tree for those who read it line by line: each stage once, below the first one that feeds it. It has no
// numbers: it is made anew for another form alone.
import type { Schemas } from "../../api/client";
import { by } from "./edges";

export interface Line {
  id: string;
  kind: string;
  depth: number;
  /** The edges that lead from it. */
  feeds: readonly Schemas["Edge"][];
}

export function outline(
  stages: readonly Pick<Schemas["Stage"], "id" | "kind">[],
  edges: readonly Schemas["Edge"][],
): Line[] {
  const known = new Map(stages.map((it) => [it.id, it]));
  const from = by(edges, "from");
  const seen = new Set<string>();
  const lines: Line[] = [];
  const visit = (id: string, depth: number) => {
    const stage = known.get(id);
    if (!stage || seen.has(id)) return;
    seen.add(id);
    const feeds = from.get(id) ?? [];
    lines.push({ id, kind: stage.kind, depth, feeds });
    for (const it of feeds) visit(it.to, depth + 1);
  };
  const fed = new Set(edges.map((it) => it.to));
  for (const it of stages) if (!fed.has(it.id)) visit(it.id, 0);
  // What is in a circle that nothing leads into.
  for (const it of stages) visit(it.id, 0);
  return lines;
}
