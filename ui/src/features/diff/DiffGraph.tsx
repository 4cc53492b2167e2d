// How one workflow became another, drawn as one graph that is looked at and not changed. It is laid out once.
import { Background, Controls, ReactFlow, ReactFlowProvider, useReactFlow } from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import { useMantineColorScheme } from "@mantine/core";
import { type KeyboardEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { type Places, tidied } from "../designer/places";
import { isStep, neighbour } from "../designer/regions";
import { brought, opened, type Size, type View } from "../designer/view";
import { DiffNode } from "./DiffNode";
import css from "./diff.module.css";
import type { GraphDiff } from "./graphDiff";
import { linesOf, nodesOf, withChosen } from "./nodes";

const NODES = { stage: DiffNode };
/** Beyond this many, those that can't be seen are not drawn. */
const MANY = 60;
const HEIGHT = { least: 150, most: 440, stage: 78, around: 64 };
const KEYS = {
  "node.a11yDescription.default": "Enter shows what changed. Arrows lead from stage to stage.",
  "node.a11yDescription.keyboardDisabled":
    "Enter shows what changed. Arrows lead from stage to stage.",
};

interface DiffGraphProps {
  name: string;
  of: GraphDiff;
  chosen: string | undefined;
  onChoose: (id: string | undefined) => void;
}

export function DiffGraph(props: DiffGraphProps) {
  return (
    <ReactFlowProvider>
      <Drawn {...props} />
    </ReactFlowProvider>
  );
}

function Drawn({ name, of, chosen, onChoose }: DiffGraphProps) {
  const { colorScheme } = useMantineColorScheme();
  const flow = useReactFlow();
  const frame = useRef<HTMLDivElement>(null);
  const places = useMemo(
    () => tidied({ stages: of.stages.map((it) => it.stage), edges: of.edges }),
    [of],
  );
  const nodes = useMemo(() => nodesOf(of, places), [of, places]);
  const edges = useMemo(() => linesOf(of), [of]);
  const shown = useMemo(() => withChosen(nodes, chosen), [nodes, chosen]);
  const show = (wanted: (size: Size, now: View) => View | undefined) => {
    const size = frame.current?.getBoundingClientRect();
    const view = size?.width && levelled(places, wanted(size, flow.getViewport()), size);
    if (view) void flow.setViewport(view);
  };
  const [height, setHeight] = useState<number>(HEIGHT.least);
  useLayoutEffect(() => {
    const width = frame.current?.getBoundingClientRect().width;
    if (width) setHeight(heightOf(places, width));
  }, [places]);
  const first = of.stages.find((it) => it.change !== "same")?.stage.id;
  // It is drawn before it has a size where it stands in something that opens.
  const open = () => show((size) => opened(places, size, chosen ?? first));
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is about where the stages stand, and how much of them is seen
  useEffect(open, [places, height]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is about what is chosen
  useEffect(() => {
    if (chosen) show((size, now) => brought(places, [chosen], now, size));
  }, [chosen]);
  const goTo = (id: string) => {
    show((size, now) => brought(places, [id], now, size));
    const node = () =>
      frame.current?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`);
    const at = node();
    if (at) at.focus({ preventScroll: true });
    // Of many, one that was out of sight is drawn a moment later.
    else
      requestAnimationFrame(() =>
        requestAnimationFrame(() => node()?.focus({ preventScroll: true })),
      );
  };
  const choose = (id: string) => onChoose(id === chosen ? undefined : id);
  const onKey = (event: KeyboardEvent) => {
    const { id } = (event.target as HTMLElement).dataset;
    if (!id || !places[id]) return;
    const isPress = event.key === "Enter" || event.key === " ";
    if (!isPress && !isStep(event.key)) return;
    event.preventDefault();
    const next = isPress ? undefined : neighbour(places, id, event.key);
    if (isPress) choose(id);
    else if (next) goTo(next);
  };
  return (
    <div ref={frame} className={css.graph} style={{ height }}>
      <ReactFlow
        nodes={shown}
        edges={edges}
        nodeTypes={NODES}
        colorMode={colorScheme === "auto" ? "system" : colorScheme}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        // What is chosen is known here alone, and what presses it is the same for both.
        elementsSelectable={false}
        deleteKeyCode={null}
        onNodeClick={(_, node) => choose(node.id)}
        onPaneClick={() => onChoose(undefined)}
        onKeyDown={onKey}
        onInit={open}
        onlyRenderVisibleElements={nodes.length > MANY}
        minZoom={0.1}
        maxZoom={1.6}
        zoomOnScroll={false}
        preventScrolling={false}
        proOptions={{ hideAttribution: true }}
        ariaLabelConfig={KEYS}
        aria-label={`What changed in ${name}, drawn`}
      >
        <Background gap={18} color="var(--border)" />
        <Controls
          showInteractive={false}
          fitViewOptions={{ maxZoom: 1, padding: 0.04 }}
          // What flows to the right begins in the middle of the left side.
          position="bottom-left"
          orientation="horizontal"
        />
      </ReactFlow>
    </div>
  );
}

/** What can be seen from top to bottom at once is, whichever stage is looked at. */
function levelled(places: Places, view: View | undefined, { height }: Size): View | undefined {
  if (!view) return undefined;
  const { top, bottom } = boxOf(places);
  if ((bottom - top) * view.zoom > height) return view;
  return { ...view, y: (height - (top + bottom) * view.zoom) / 2 };
}

/** As much as the graph needs in the size in which it is shown first, and no more than leaves room for what is said of it. */
function heightOf(places: Places, width: number): number {
  const { top, bottom } = boxOf(places);
  const { zoom = 1 } = opened(places, { width, height: HEIGHT.most }) ?? {};
  return Math.min(HEIGHT.most, Math.max(HEIGHT.least, (bottom - top) * zoom + HEIGHT.around));
}

function boxOf(places: Places): { top: number; bottom: number } {
  const tops = Object.values(places).map((it) => it.y);
  const top = tops.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const bottom = tops.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return { top, bottom: bottom + HEIGHT.stage };
}
