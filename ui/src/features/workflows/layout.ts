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

export interface View extends Middle {
  zoom: number;
}

const MARGIN = 16;
/** Numbers can be read at this zoom still. */
const READABLE = 0.75;

/** All of it where it can be read, else where the records begin. */
export function begun(all: readonly Placed[], size: { width: number; height: number }): View {
  if (all.length === 0) return { x: 0, y: 0, zoom: 1 };
  const [xs, ys] = [all.map((it) => it.x), all.map((it) => it.y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [width, height] = [
    Math.max(...xs) - left + STAGE.width,
    Math.max(...ys) - top + STAGE.height,
  ];
  const [across, down] = [size.width - 2 * MARGIN, size.height - 2 * MARGIN];
  const zoom = Math.max(READABLE, Math.min(1, across / width, down / height));
  const first = all.reduce((a, b) => (b.x < a.x ? b : a), { x: left, y: top });
  const middle = (from: number, length: number, room: number) =>
    room / 2 - (from + length / 2) * zoom;
  const isIn = { across: width * zoom <= across, down: height * zoom <= down };
  const beside = Math.min(MARGIN - top * zoom, middle(first.y, STAGE.height, size.height));
  return {
    x: isIn.across ? middle(left, width, size.width) : MARGIN - left * zoom,
    y: isIn.down ? middle(top, height, size.height) : beside,
    zoom,
  };
}
