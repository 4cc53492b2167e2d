// Where stages stand in the graph: a pure function of which stages and edges there are, never of numbers.
import { graphlib, layout } from "@dagrejs/dagre";
import type { Schemas } from "../../api/client";
import { upright } from "../../logic/upright";

export const STAGE = { width: 206, height: 92 };

export interface Placed {
  id: string;
  x: number;
  y: number;
}

type Middle = { x: number; y: number };

/** What tells two graphs apart. */
export function shape(
  stages: readonly Schemas["Stage"][],
  edges: readonly Schemas["Edge"][],
): string {
  const names = stages.map((it) => `${it.id}:${it.kind}`);
  return [...names, ...edges.map((it) => `${it.from}.${it.port}>${it.to}`)].join(" ");
}

export function placed(
  stages: readonly Schemas["Stage"][],
  edges: readonly Schemas["Edge"][],
): Placed[] {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 28, ranksep: 96, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const it of stages) graph.setNode(it.id, { ...STAGE });
  for (const it of edges) graph.setEdge(it.from, it.to);
  layout(graph);
  const drawn = stages.map((it) => [it.id, graph.node(it.id) as Middle] as const);
  return [...upright(new Map(drawn), edges)].map(([id, { x, y }]) => {
    return { id, x: x - STAGE.width / 2, y: y - STAGE.height / 2 };
  });
}
