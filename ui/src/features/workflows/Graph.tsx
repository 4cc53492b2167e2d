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
import {
  type CSSProperties,
  createContext,
  type KeyboardEvent,
  useContext,
  useEffect,
  useMemo,
  useRef,
} from "react";
import type { Schemas } from "../../api/client";
import { history, useLive } from "../../live";
import { type Rates, rates } from "../../live/history";
import { type Load, load } from "../../live/load";
import { percent, plural, rate, short, words } from "../../logic/format";
import { useNow } from "../../logic/now";
import css from "./graph.module.css";
import { begun, placed, STAGE, shape } from "./layout";
import { edgeSaid, stageSaid } from "./said";

type Detail = Schemas["WorkflowDetail"];

const Shown = createContext("");

/** Numbers come to each node by itself: the nodes that the graph is drawn from never change with them. */
function useStage(id: string): { stage?: Schemas["Stage"]; flow?: Rates; spent?: Load } {
  const workflow = useContext(Shown);
  const { value } = useLive(`workflow:${workflow}`);
  const now = useNow();
  return {
    stage: value?.stages.find((it) => it.id === id),
    flow: rates(history.of(`${workflow}/${id}`), now),
    spent: load(history.readings(`${workflow}/${id}`), now),
  };
}

const GLYPH = { source: "▶", operator: "◇", sink: "■" };

function StageNode({ id, selected }: NodeProps) {
  const { stage, flow, spent } = useStage(id);
  if (!stage) return null;
  const { counts, role, kind } = stage;
  const bad = counts.deadLetters + counts.ignored;
  return (
    <div className={css.stage} data-role={role} data-selected={selected || undefined}>
      {role !== "source" && <Handle type="target" position={Position.Left} isConnectable={false} />}
      <span className="hidden">{stageSaid(stage, flow, spent)}</span>
      <div className={css.title} aria-hidden="true">
        <span>{GLYPH[role]}</span>
        <strong className="cut">{id}</strong>
        <span className="muted cut">{words(kind)}</span>
      </div>
      <div className={css.numbers} aria-hidden="true">
        <span className="mono">{rate(role === "source" ? flow?.recordsOut : flow?.recordsIn)}</span>
        <span className="muted">
          {short(counts.recordsIn)} in · {short(counts.recordsOut)} out
        </span>
      </div>
      <div className={css.below} aria-hidden="true">
        {bad > 0 ? (
          <span data-tone="warn">◆ {plural(bad, "bad record")}</span>
        ) : (
          <span className="muted">no bad records</span>
        )}
        {spent ? (
          <Spent of={spent} isWaiting={role === "source"} />
        ) : (
          counts.dropped > 0 && <span className="muted">{short(counts.dropped)} left out</span>
        )}
      </div>
      {spent && (
        <div className={css.spent} aria-hidden="true">
          <span data-spent="busy" style={{ width: `${100 * spent.busy}%` }} />
          <span data-spent="blocked" style={{ width: `${100 * spent.blocked}%` }} />
        </div>
      )}
      {role !== "sink" && <Handle type="source" position={Position.Right} isConnectable={false} />}
    </div>
  );
}

/** A source that reads live data can't tell work from waiting: only that it is held up is said of it. */
function Spent({ of: { busy, blocked }, isWaiting }: { of: Load; isWaiting: boolean }) {
  if (blocked >= 0.01 && blocked >= busy)
    return <span data-tone="warn">{percent(blocked)} held up</span>;
  return busy < 0.01 && isWaiting ? null : <span className="muted">{percent(busy)} busy</span>;
}

function FlowEdge(props: EdgeProps) {
  const { flow } = useStage(props.target);
  const passing = flow?.recordsIn ?? 0;
  const [path, x, y] = getBezierPath(props);
  // What a stage takes in is what its edges carry; with several of them it is the sum.
  const width = 1.5 + Math.min(5, Math.log10(1 + passing));
  const port = String(props.data?.port ?? "out");
  return (
    <>
      <BaseEdge
        path={path}
        className={css.line}
        data-flows={passing > 0 || undefined}
        style={{ "--width": `${width}px` } as CSSProperties}
      />
      <EdgeLabelRenderer>
        <div
          className={css.label}
          style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
        >
          {port !== "out" && <span>{port}</span>}
          {passing > 0 && <span className="mono">{rate(passing)}</span>}
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
const edgeId = ({ from, port, to }: Schemas["Edge"]) => `${from}.${port}>${to}`;
const KEYS = {
  "node.a11yDescription.default": "Enter shows its counts.",
  "edge.a11yDescription.default": "Enter leads to the records that pass here.",
};

/** A workflow as it runs. It can be looked at and not changed. */
export function Graph({
  detail,
  chosen,
  lookedAt,
  onChoose,
  onEdge,
}: {
  detail: Detail;
  chosen: string | undefined;
  /** The edge whose records are shown beside it. */
  lookedAt: Schemas["Edge"] | undefined;
  onChoose: (id: string | undefined) => void;
  /** Somebody wants to see what passes there. */
  onEdge: (it: Schemas["Edge"]) => void;
}) {
  const { colorScheme } = useMantineColorScheme();
  useEffect(() => history.followStages(detail.name), [detail.name]);
  const form = shape(detail.stages, detail.edges);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is made anew for another form alone
  const { places, nodes, edges } = useMemo(() => {
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
  const frame = useRef<HTMLDivElement>(null);
  // One that is another object is drawn again: only those that are chosen, or were, are others.
  const shown = useMemo(
    () => nodes.map((it) => (it.id === chosen ? { ...it, selected: true } : it)),
    [nodes, chosen],
  );
  const looked = lookedAt && edgeId(lookedAt);
  const drawn = useMemo(
    () => edges.map((it) => (it.id === looked ? { ...it, selected: true } : it)),
    [edges, looked],
  );
  const choose = (id: string) => onChoose(id === chosen ? undefined : id);
  const look = (id: string | undefined) => {
    const found = detail.edges.find((it) => edgeId(it) === id);
    if (found) onEdge(found);
  };
  const onKey = (event: KeyboardEvent<HTMLElement | SVGElement>) => {
    const { id } = (event.target as HTMLElement).dataset;
    if (!id || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    if (detail.stages.some((it) => it.id === id)) choose(id);
    else look(id);
  };
  return (
    <Shown.Provider value={detail.name}>
      <div ref={frame} className={css.graph}>
        <ReactFlow
          nodes={shown}
          edges={drawn}
          nodeTypes={NODES}
          edgeTypes={EDGES}
          colorMode={colorScheme === "auto" ? "system" : colorScheme}
          nodesDraggable={false}
          nodesConnectable={false}
          // What is chosen is known by the address alone, and what presses it is the same for both.
          elementsSelectable={false}
          deleteKeyCode={null}
          onNodeClick={(_, node) => choose(node.id)}
          onEdgeClick={(_, edge) => look(edge.id)}
          onKeyDown={onKey}
          ariaLabelConfig={KEYS}
          onPaneClick={() => onChoose(undefined)}
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
          aria-label={`Graph of ${detail.name}`}
        >
          <Background gap={18} color="var(--border)" />
          <Controls showInteractive={false} fitViewOptions={{ maxZoom: 1, padding: 0.06 }} />
        </ReactFlow>
      </div>
    </Shown.Provider>
  );
}
