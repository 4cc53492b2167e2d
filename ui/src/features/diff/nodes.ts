// Stages and connections of a difference as what the graph draws: pure functions.
import { type Edge, MarkerType, type Node } from "@xyflow/react";
import { handlesOf } from "../designer/nodes";
import { heightOf, type Places, WIDTH } from "../designer/places";
import { type DiffStage, type GraphDiff, keyOf } from "./graphDiff";
import { edgeSaid, SIGNS } from "./said";

const ARROW = { width: 20, height: 20 };

export interface DiffNodeData extends Record<string, unknown> {
  of: DiffStage;
}

export type DiffNodeType = Node<DiffNodeData, "stage">;

export function nodesOf({ stages }: GraphDiff, places: Places): DiffNodeType[] {
  return stages.map((of) => {
    const size = { width: WIDTH, height: heightOf(of.stage) };
    return {
      id: of.stage.id,
      type: "stage",
      position: places[of.stage.id] ?? { x: 0, y: 0 },
      data: { of },
      ...size,
      // Nothing has to be drawn to be measured.
      measured: size,
      handles: handlesOf(of.stage, size.height),
      ariaRole: "button",
      domAttributes: { "aria-roledescription": undefined, "aria-pressed": false },
    };
  });
}

/** One that is another object is drawn again: only the chosen one, and the one that was, are others. */
export const withChosen = (nodes: DiffNodeType[], chosen: string | undefined): DiffNodeType[] =>
  nodes.map((it) =>
    it.id === chosen
      ? { ...it, selected: true, domAttributes: { ...it.domAttributes, "aria-pressed": true } }
      : it,
  );

export function linesOf({ edges }: GraphDiff): Edge[] {
  return edges.map((it) => ({
    id: keyOf(it),
    source: it.from,
    sourceHandle: it.port,
    target: it.to,
    className: it.change,
    label: it.change === "same" ? undefined : SIGNS[it.change][0],
    // As large on a line that is drawn wider.
    markerEnd: { type: MarkerType.ArrowClosed, markerUnits: "userSpaceOnUse", ...ARROW },
    ariaLabel: edgeSaid(it),
    domAttributes: { "aria-roledescription": undefined },
    // What changed lies above what did not.
    zIndex: it.change === "same" ? 0 : 1,
  }));
}
