// The workflow as a graph that is drawn and changed. What is drawn follows from the text; only where stages stand,
// and which are selected, is known here alone.
import {
  applyNodeChanges,
  Background,
  type Connection,
  Controls,
  type Edge,
  type FinalConnectionState,
  MarkerType,
  MiniMap,
  type NodeChange,
  ReactFlow,
  useReactFlow,
} from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import { useMantineColorScheme } from "@mantine/core";
import { type DragEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { count, plural } from "../../logic/format";
import { type Design, type DesignEdge, inFlow, misfit } from "./design";
import css from "./designer.module.css";
import { keptEdges, keptNodes, nodeOf, type StageNodeType } from "./nodes";
import { DRAGGED } from "./Palette";
import { type Place, type Places, WIDTH } from "./places";
import { StageNode } from "./StageNode";

const NODES = { stage: StageNode };
const SPLIT = "\u0000";
export const edgeId = (it: DesignEdge) => [it.from, it.port, it.to].join(SPLIT);

export interface Problems {
  errors: number;
  warnings: number;
}

interface CanvasProps {
  name: string;
  design: Design;
  places: Places;
  selected: ReadonlySet<string>;
  edge: DesignEdge | undefined;
  isReadOnly: boolean;
  problemsOf: (stage: string) => Problems;
  isInherited: (stage: string) => boolean;
  /** Of what was tried: how many records went this way, and how many failed. */
  passedBy: (it: DesignEdge) => number | undefined;
  failedAt: (stage: string) => number;
  onSelect: (stages: ReadonlySet<string>, edge?: DesignEdge) => void;
  onMove: (places: Places) => void;
  onConnect: (it: DesignEdge) => void;
  /** A port was drawn to where nothing is. */
  onAsk: (from: { from: string; port: string }) => void;
  onDrop: (item: string, at: Place, on: DesignEdge | undefined) => void;
  /** It is there, and shows nothing in particular yet. */
  onDrawn: () => void;
}

const KEYS = {
  "node.a11yDescription.default": "Enter selects it: then e edits it, c connects it.",
  "node.a11yDescription.keyboardDisabled": "Enter selects it: then e edits it, c connects it.",
  "edge.a11yDescription.default": "Enter selects it: then a adds a stage on it, Delete deletes it.",
};

/** Beyond this many, those that can't be seen are not drawn. */
const MANY = 60;
const MAP_FROM = 20;

export function Canvas(props: CanvasProps) {
  const { design, places, selected, problemsOf, isInherited, passedBy, failedAt } = props;
  const { colorScheme } = useMantineColorScheme();
  const flow = useReactFlow();
  const stages = useMemo(() => inFlow(design), [design]);
  const wanted = useMemo<StageNodeType[]>(
    () =>
      stages.map((stage) =>
        nodeOf(
          {
            stage,
            ...problemsOf(stage.id),
            isInherited: isInherited(stage.id),
            failed: failedAt(stage.id),
          },
          places[stage.id] ?? { x: 0, y: 0 },
          selected.has(stage.id),
        ),
      ),
    [stages, places, selected, problemsOf, isInherited, failedAt],
  );
  // While something is dragged, the nodes are ahead of what is kept.
  const [nodes, setNodes] = useState(wanted);
  const drawn = useRef(nodes);
  drawn.current = nodes;
  useEffect(() => setNodes(keptNodes(drawn.current, wanted)), [wanted]);
  const chosen = props.edge && edgeId(props.edge);
  const last = useRef<Edge[]>([]);
  const edges = useMemo<Edge[]>(() => {
    const wanted = design.edges.map((it) => {
      const records = passedBy(it);
      const went = records === undefined ? "" : `, ${plural(records, "record")}`;
      return {
        id: edgeId(it),
        source: it.from,
        sourceHandle: it.port,
        target: it.to,
        label: records === undefined ? undefined : count(records),
        data: { edge: it },
        selected: edgeId(it) === chosen,
        markerEnd: { type: MarkerType.ArrowClosed },
        ariaLabel: `Edge from ${it.from}, port ${it.port}, to ${it.to}${went}`,
        interactionWidth: 24,
      };
    });
    last.current = keptEdges(last.current, wanted);
    return last.current;
  }, [design.edges, chosen, passedBy]);
  const onNodesChange = (changes: NodeChange<StageNodeType>[]) => {
    const now = applyNodeChanges(changes, drawn.current);
    drawn.current = now;
    setNodes(now);
    if (changes.some((it) => it.type === "select")) {
      const ids = new Set(now.filter((it) => it.selected).map((it) => it.id));
      if (!sameSet(ids, selected)) props.onSelect(ids);
    }
    // The keyboard moves a step at a time; the pointer is done when it lets go.
    const isMoved = changes.some((it) => it.type === "position" && it.dragging === false);
    if (isMoved) props.onMove(Object.fromEntries(now.map((it) => [it.id, it.position])));
  };
  const edgeOf = (it: Connection | Edge): DesignEdge => ({
    from: it.source,
    port: it.sourceHandle ?? "out",
    to: it.target,
  });
  const isValid = useCallback(
    (it: Connection | Edge) =>
      misfit(design, { from: it.source, port: it.sourceHandle ?? "out", to: it.target }) ===
      undefined,
    [design],
  );
  const onConnectEnd = (event: MouseEvent | TouchEvent, it: FinalConnectionState) => {
    if (it.isValid || it.fromHandle?.type !== "source" || !it.fromNode) return;
    const from = { from: it.fromNode.id, port: it.fromHandle.id ?? "out" };
    // A stage takes it with all that is drawn of it, not by its port alone.
    const to = it.toNode?.id ?? stageBelow(event);
    if (!to) return props.onAsk(from);
    if (to !== from.from || it.toNode) props.onConnect({ ...from, to });
  };
  const drop = (event: DragEvent) => {
    const item = event.dataTransfer.getData(DRAGGED);
    if (!item) return;
    event.preventDefault();
    event.stopPropagation();
    const { clientX: x, clientY: y } = event;
    const below = document
      .elementsFromPoint(x, y)
      .map((it) => it.closest<SVGElement>(".react-flow__edge"))
      .find((it) => it);
    const on = design.edges.find((it) => edgeId(it) === below?.dataset.id);
    const at = flow.screenToFlowPosition({ x, y });
    props.onDrop(item, { x: at.x - WIDTH / 2, y: at.y - 30 }, on);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: choosing in the palette is the way of the keyboard
    <div
      className={css.canvas}
      onDragOver={(event) => {
        if (event.dataTransfer.types.includes(DRAGGED)) event.preventDefault();
      }}
      onDrop={drop}
    >
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODES}
        onNodesChange={onNodesChange}
        onEdgeClick={(_, it) => props.onSelect(new Set(), edgeOf(it))}
        onEdgesChange={(changes) => {
          const found = changes.find((it) => it.type === "select" && it.selected);
          const edge = found && "id" in found && design.edges.find((it) => edgeId(it) === found.id);
          if (edge && edgeId(edge) !== chosen) props.onSelect(new Set(), edge);
        }}
        onPaneClick={() => props.onSelect(new Set())}
        onConnect={(it) => props.onConnect(edgeOf(it))}
        onConnectEnd={onConnectEnd}
        isValidConnection={isValid}
        colorMode={colorScheme === "auto" ? "system" : colorScheme}
        nodesDraggable={!props.isReadOnly}
        nodesConnectable={!props.isReadOnly}
        deleteKeyCode={null}
        snapToGrid
        snapGrid={[6, 6]}
        selectionKeyCode="Shift"
        multiSelectionKeyCode={["Control", "Meta"]}
        onlyRenderVisibleElements={nodes.length > MANY}
        onInit={props.onDrawn}
        minZoom={0.1}
        maxZoom={1.6}
        proOptions={{ hideAttribution: true }}
        aria-label={`Graph of ${props.name}`}
        ariaLabelConfig={KEYS}
      >
        <Background gap={18} color="var(--border)" />
        <Controls
          showInteractive={false}
          fitViewOptions={{ maxZoom: 1, padding: 0.04 }}
          position="top-right"
          orientation="horizontal"
        />
        {nodes.length > MAP_FROM && nodes.length < 400 && (
          <MiniMap pannable zoomable bgColor="var(--raised)" nodeColor="var(--outline)" />
        )}
      </ReactFlow>
    </div>
  );
}

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>) =>
  a.size === b.size && [...a].every((it) => b.has(it));

/** The stage that is below the pointer. */
function stageBelow(event: MouseEvent | TouchEvent): string | undefined {
  const at = "changedTouches" in event ? event.changedTouches[0] : event;
  if (!at) return undefined;
  const below = document.elementsFromPoint(at.clientX, at.clientY);
  const found = below.map((it) => it.closest<HTMLElement>(".react-flow__node")).find((it) => it);
  return found?.dataset.id;
}
