import {
  Background,
  BaseEdge,
  Controls,
  type Edge,
  EdgeLabelRenderer,
  type EdgeProps,
  getBezierPath,
  Handle,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import { useMantineColorScheme } from "@mantine/core";
import { type CSSProperties, type KeyboardEvent, memo, useEffect, useMemo, useRef } from "react";
import type { Schemas } from "../../api/client";
import { history } from "../../live";
import type { Rates } from "../../live/history";
import type { Load } from "../../live/load";
import { percent, plural, rate, short, words } from "../../logic/format";
import { useStable } from "../../parts/useStable";
import { edgeId } from "./edges";
import css from "./graph.module.css";
import { begun, type Placed, placed, STAGE } from "./layout";
import { useStage } from "./numbers";
import { edgeSaid, stageSaid } from "./said";

type Detail = Schemas["WorkflowDetail"];

const GLYPH = { source: "▶", operator: "◇", sink: "■" };

/** All that a node shows, as words: it is drawn again where one of them is another. */
const toldOf = (stage: Schemas["Stage"], flow: Rates | undefined, spent: Load | undefined) => {
  const { role, kind, counts } = stage;
  const bad = counts.deadLetters + counts.ignored;
  const isHeldUp = spent !== undefined && spent.blocked >= 0.01 && spent.blocked >= spent.busy;
  // A source that reads live data can't tell work from waiting: only that it is held up is said of it.
  const isQuiet = spent !== undefined && spent.busy < 0.01 && role === "source";
  return {
    role,
    kind: words(kind),
    said: stageSaid(stage, flow, spent),
    rate: rate(role === "source" ? flow?.recordsOut : flow?.recordsIn),
    counted: `${short(counts.recordsIn)} in · ${short(counts.recordsOut)} out`,
    bad: bad > 0 ? `◆ ${plural(bad, "bad record")}` : "",
    held: isHeldUp ? `${percent(spent.blocked)} held up` : "",
    busy: spent && !isHeldUp && !isQuiet ? `${percent(spent.busy)} busy` : "",
    dropped: !spent && counts.dropped > 0 ? `${short(counts.dropped)} left out` : "",
    busyShare: spent && Math.round(100 * spent.busy),
    blockedShare: spent && Math.round(100 * spent.blocked),
  };
};

function StageNode({ id, selected }: NodeProps) {
  const it = useStage(id, toldOf);
  if (!it) return null;
  const { role } = it;
  return (
    <div className={css.stage} data-role={role} data-selected={selected || undefined}>
      {role !== "source" && <Handle type="target" position={Position.Left} isConnectable={false} />}
      <span className="hidden">{it.said}</span>
      <div className={css.title} aria-hidden="true">
        <span>{GLYPH[role]}</span>
        <strong className="cut">{id}</strong>
        <span className="muted cut">{it.kind}</span>
      </div>
      <div className={css.numbers} aria-hidden="true">
        <span className="mono">{it.rate}</span>
        <span className="muted">{it.counted}</span>
      </div>
      <div className={css.below} aria-hidden="true">
        {it.bad ? (
          <span data-tone="warn">{it.bad}</span>
        ) : (
          <span className="muted">no bad records</span>
        )}
        {it.held && <span data-tone="warn">{it.held}</span>}
        {(it.busy || it.dropped) && <span className="muted">{it.busy || it.dropped}</span>}
      </div>
      {it.busyShare !== undefined && (
        <div className={css.spent} aria-hidden="true">
          <span data-spent="busy" style={{ width: `${it.busyShare}%` }} />
          <span data-spent="blocked" style={{ width: `${it.blockedShare}%` }} />
        </div>
      )}
      {role !== "sink" && <Handle type="source" position={Position.Right} isConnectable={false} />}
    </div>
  );
}

const passingOf = (_: Schemas["Stage"], flow: Rates | undefined) => {
  const passing = flow?.recordsIn ?? 0;
  // What a stage takes in is what its edges carry; with several of them it is the sum.
  const width = 1.5 + Math.min(5, Math.log10(1 + passing));
  return { width: `${width.toFixed(1)}px`, rate: passing > 0 ? rate(passing) : "" };
};

function FlowEdge(props: EdgeProps) {
  const passing = useStage(props.target, passingOf);
  const [path, x, y] = getBezierPath(props);
  const port = String(props.data?.port ?? "out");
  return (
    <>
      <BaseEdge
        path={path}
        className={css.line}
        data-flows={passing?.rate ? true : undefined}
        style={{ "--width": passing?.width } as CSSProperties}
      />
      <EdgeLabelRenderer>
        <div
          className={css.label}
          style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
        >
          {port !== "out" && <span>{port}</span>}
          {passing?.rate && <span className="mono">{passing.rate}</span>}
        </div>
      </EdgeLabelRenderer>
    </>
  );
}

const NODES = { stage: StageNode };
const PORT = 7;
const HANDLES: Node["handles"] = [
  { type: "target" as const, position: Position.Left, x: 0 },
  { type: "source" as const, position: Position.Right, x: STAGE.width },
].map((it) => ({
  ...it,
  x: it.x - PORT / 2,
  y: (STAGE.height - PORT) / 2,
  width: PORT,
  height: PORT,
}));
const EDGES = { flow: FlowEdge };
const KEYS = {
  "node.a11yDescription.default": "Enter shows its counts.",
  "edge.a11yDescription.default": "Enter leads to the records that pass here.",
};

interface GraphProps {
  detail: Detail;
  /** What tells it from other graphs: it is laid out anew where this is another. */
  form: string;
  chosen: string | undefined;
  /** The edge whose records are shown beside it, by its id. */
  looked: string | undefined;
  /** Somebody presses a stage, or none. */
  onChoose: (id: string | undefined) => void;
  /** Somebody wants to see what passes there. */
  onEdge: (it: Schemas["Edge"]) => void;
}

/** A workflow as it runs. It can be looked at and not changed. */
export function Graph({ detail, form, chosen, looked, onChoose, onEdge }: GraphProps) {
  useEffect(() => history.followStages(detail.name), [detail.name]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is made anew for another form alone
  const laid = useMemo(() => {
    const places = placed(detail.stages, detail.edges);
    const nodes: Node[] = places.map(({ id, x, y }) => ({
      id,
      type: "stage",
      position: { x, y },
      data: {},
      ...STAGE,
      // Nothing has to be drawn to be measured.
      measured: STAGE,
      handles: HANDLES,
      ariaRole: "button",
      domAttributes: { "aria-roledescription": undefined },
    }));
    const edges: Edge[] = detail.edges.map((it) => ({
      id: edgeId(it),
      source: it.from,
      target: it.to,
      type: "flow",
      data: { port: it.port },
      ariaRole: "button",
      ariaLabel: edgeSaid(it),
      domAttributes: { "aria-roledescription": undefined },
    }));
    return { places, nodes, edges };
  }, [form]);
  const press = useStable((id: string) => {
    const found = detail.edges.find((it) => edgeId(it) === id);
    if (found) onEdge(found);
    else onChoose(id);
  });
  return (
    <Drawn
      {...laid}
      name={detail.name}
      chosen={chosen}
      looked={looked}
      onPress={press}
      onNone={useStable(() => onChoose(undefined))}
    />
  );
}

interface DrawnProps {
  name: string;
  places: readonly Placed[];
  nodes: Node[];
  edges: Edge[];
  chosen: string | undefined;
  looked: string | undefined;
  /** A stage or an edge, by its id. */
  onPress: (id: string) => void;
  onNone: () => void;
}

/** No tick draws it: the numbers come to each node by itself. */
const Drawn = memo(({ name, places, chosen, looked, onPress, onNone, ...laid }: DrawnProps) => {
  const { colorScheme } = useMantineColorScheme();
  const frame = useRef<HTMLDivElement>(null);
  // One that is another object is drawn again: only those that are chosen, or were, are others.
  const nodes = useMemo(
    () => laid.nodes.map((it) => (it.id === chosen ? { ...it, selected: true } : it)),
    [laid.nodes, chosen],
  );
  const edges = useMemo(
    () => laid.edges.map((it) => (it.id === looked ? { ...it, selected: true } : it)),
    [laid.edges, looked],
  );
  const onKey = (event: KeyboardEvent<HTMLElement | SVGElement>) => {
    const { id } = (event.target as HTMLElement).dataset;
    if (!id || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    onPress(id);
  };
  return (
    <div ref={frame} className={css.graph}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODES}
        edgeTypes={EDGES}
        colorMode={colorScheme === "auto" ? "system" : colorScheme}
        nodesDraggable={false}
        nodesConnectable={false}
        // What is chosen is known by the address alone, and what presses it is the same for both.
        elementsSelectable={false}
        deleteKeyCode={null}
        onNodeClick={(_, node) => onPress(node.id)}
        onEdgeClick={(_, edge) => onPress(edge.id)}
        onKeyDown={onKey}
        ariaLabelConfig={KEYS}
        onPaneClick={onNone}
        onlyRenderVisibleElements={nodes.length > 60}
        onInit={({ setViewport }) => {
          const { clientWidth: width = 0, clientHeight: height = 0 } = frame.current ?? {};
          void setViewport(begun(places, { width, height }));
        }}
        minZoom={0.3}
        maxZoom={1.6}
        zoomOnScroll={false}
        preventScrolling={false}
        proOptions={{ hideAttribution: true }}
        aria-label={`Graph of ${name}`}
      >
        <Background gap={18} color="var(--border)" />
        <Controls showInteractive={false} fitViewOptions={{ maxZoom: 1, padding: 0.06 }} />
      </ReactFlow>
    </div>
  );
});
