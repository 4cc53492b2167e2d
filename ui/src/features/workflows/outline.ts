// The graph as a tree for those who read it line by line: each stage once, below the first one that feeds it.
import type { Schemas } from "../../api/client";

export interface Line {
  stage: Schemas["Stage"];
  depth: number;
  /** The edges that lead from it. */
  feeds: Schemas["Edge"][];
}

export function outline(
  stages: readonly Schemas["Stage"][],
  edges: readonly Schemas["Edge"][],
): Line[] {
  const seen = new Set<string>();
  const lines: Line[] = [];
  const visit = (id: string, depth: number) => {
    const stage = stages.find((it) => it.id === id);
    if (!stage || seen.has(id)) return;
    seen.add(id);
    const out = edges.filter((it) => it.from === id);
    lines.push({ stage, depth, feeds: out });
    for (const it of out) visit(it.to, depth + 1);
  };
  const fed = new Set(edges.map((it) => it.to));
  for (const it of stages) if (!fed.has(it.id)) visit(it.id, 0);
  // What is in a circle that nothing leads into.
  for (const it of stages) visit(it.id, 0);
  return lines;
}
