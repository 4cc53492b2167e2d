// Where stages stand on the canvas. The format of a workflow has no room for it, so it is computed, and what one
// moved by hand is kept by the browser. Pure but for the last two functions.
import { graphlib, layout } from "@dagrejs/dagre";
import { upright } from "../../logic/upright";
import type { Design, DesignStage } from "./design";

export interface Place {
  x: number;
  y: number;
}

export type Places = Readonly<Record<string, Place>>;

/** Four stages in a row are to be read without zooming where the window has 1,440 pixels. */
export const WIDTH = 178;
const GAP = { across: 48, down: 24 };

export const heightOf = (it: DesignStage) => 58 + Math.max(0, it.ports.length - 1) * 20;

/** All of them anew, from left to right. */
export function tidied({ stages, edges }: Design): Places {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({
    rankdir: "LR",
    nodesep: GAP.down,
    ranksep: GAP.across,
    marginx: 8,
    marginy: 8,
    // Slower ranking is worth its time in small graphs alone.
    ranker: stages.length > 150 ? "longest-path" : "network-simplex",
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const it of stages) graph.setNode(it.id, { width: WIDTH, height: heightOf(it) });
  const known = new Set(stages.map((it) => it.id));
  for (const it of edges)
    if (known.has(it.from) && known.has(it.to)) graph.setEdge(it.from, it.to, {}, it.port);
  layout(graph);
  const drawn = stages.map((it) => [it.id, graph.node(it.id) as Place] as const);
  const middles = upright(new Map(drawn), byPort(stages, edges));
  return Object.fromEntries(
    stages.map((it) => {
      const { x, y } = middles.get(it.id) as Place;
      return [it.id, { x: x - WIDTH / 2, y: y - heightOf(it) / 2 }];
    }),
  );
}

/** The edges in the order of the ports that they leave. */
function byPort(stages: Design["stages"], edges: Design["edges"]): Design["edges"] {
  const ports = new Map(stages.map((it) => [it.id, it.ports]));
  const at = (it: Design["edges"][number]) => ports.get(it.from)?.indexOf(it.port) ?? 0;
  return [...edges].sort((a, b) => at(a) - at(b));
}

/** Those that are placed stay; a new one comes behind what feeds it, where there is room. */
export function placed(design: Design, known: Places): Places {
  const { stages, edges } = design;
  const isNew = stages.filter((it) => !known[it.id]);
  if (isNew.length === stages.length) return tidied(design);
  if (isNew.length === 0) return known;
  const places: Record<string, Place> = { ...known };
  for (const it of isNew) {
    const feeding = edges.find((one) => one.to === it.id && places[one.from]);
    const fed = edges.find((one) => one.from === it.id && places[one.to]);
    const before = feeding && places[feeding.from];
    const after = fed && places[fed.to];
    if (before && after) {
      // It goes between two: what comes behind makes room.
      const at = { ...after };
      for (const id of behind(design, it.id)) {
        const place = places[id];
        if (place) places[id] = { x: place.x + WIDTH + GAP.across, y: place.y };
      }
      places[it.id] = at;
      continue;
    }
    const at = before
      ? { x: before.x + WIDTH + GAP.across, y: before.y }
      : after
        ? { x: after.x - WIDTH - GAP.across, y: after.y }
        : { x: 8, y: 8 };
    while (stages.some((one) => one !== it && overlap(places[one.id], at))) at.y += 90;
    places[it.id] = at;
  }
  return places;
}

/** All that records come to after a stage. */
function behind({ edges }: Design, stage: string): Set<string> {
  const found = new Set<string>();
  const open = [stage];
  while (open.length > 0) {
    const at = open.pop();
    for (const { from, to } of edges) {
      if (from !== at || found.has(to) || to === stage) continue;
      found.add(to);
      open.push(to);
    }
  }
  return found;
}

const overlap = (a: Place | undefined, b: Place) =>
  a !== undefined && Math.abs(a.x - b.x) < WIDTH + 20 && Math.abs(a.y - b.y) < 78;

const keyOf = (of: string) => `weir.places.${of}`;

export function keepPlaces(of: string, places: Places | undefined): void {
  try {
    if (places) localStorage.setItem(keyOf(of), JSON.stringify(places));
    else localStorage.removeItem(keyOf(of));
  } catch {
    // Without room they are computed anew the next time.
  }
}

export function keptPlaces(of: string): Places {
  try {
    return JSON.parse(localStorage.getItem(keyOf(of)) ?? "{}") as Places;
  } catch {
    return {};
  }
}
