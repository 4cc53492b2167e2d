// How two texts of a workflow differ, as a graph or by lines, as one chooses. The choice is a part of the address.
import { SegmentedControl } from "@mantine/core";
import { type ReactNode, Suspense } from "react";
import { useAddressed } from "../../parts/addressed";
import { lazy } from "../../parts/lazy";
import { Loading } from "../../parts/Shows";

export const DrawnTexts = lazy(() =>
  import("./DrawnTexts").then((it) => ({ default: it.DrawnTexts })),
);

export const DrawnSides = lazy(() =>
  import("./DrawnSides").then((it) => ({ default: it.DrawnSides })),
);

/** What a difference is told by stands here in the address. */
export const BY = "by";
export const GRAPH = "graph";

export function useIsGraph(): [isGraph: boolean, set: (isGraph: boolean) => void] {
  const [by, setBy] = useAddressed(BY);
  return [by === GRAPH, (it) => setBy(it ? GRAPH : undefined)];
}

export function GraphOrText() {
  const [isGraph, setGraph] = useIsGraph();
  return (
    <SegmentedControl
      size="xs"
      aria-label="Shown as"
      data={[
        { value: "text", label: "Text" },
        { value: GRAPH, label: "Graph" },
      ]}
      value={isGraph ? GRAPH : "text"}
      onChange={(it) => setGraph(it === GRAPH)}
    />
  );
}

interface DiffersProps {
  name: string;
  before: string | undefined;
  after: string | undefined;
  /** The same by lines. */
  text: ReactNode;
}

/** As it is chosen by `GraphOrText`. */
export function Differs({ name, before, after, text }: DiffersProps) {
  const [isGraph] = useIsGraph();
  if (!isGraph) return text;
  return (
    <Suspense fallback={<Loading />}>
      <DrawnTexts name={name} before={before} after={after} instead={text} />
    </Suspense>
  );
}
