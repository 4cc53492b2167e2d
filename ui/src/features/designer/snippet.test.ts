import { expect, test } from "vitest";
import { parsed } from "../editor/text";
import { design } from "./design";
import { inserted, snippetOf, stagesOf } from "./snippet";

const FLOW = `spec:
  stages:
    # first
    - name: read
      source: orders

    - name: map
      from: read
      processor: { mapping: {} }

    - name: write
      from: map
      sink: out
`;
const SNIPPET = `spec:
  stages:
    - name: map
      processor: { mapping: {} }
    - name: last
      from: map
      processor: { throttle: {} }
`;

const of = (text: string) => design((parsed(text).value as { spec: unknown }).spec);
const edges = (text: string) => of(text).edges.map((it) => `${it.from}>${it.to}`);

test("a snippet is fed by the stage that is chosen", () => {
  const made = inserted(FLOW, of(FLOW), stagesOf(SNIPPET), {
    behind: { from: "read", port: "out" },
  });
  expect(made.names).toEqual(["map-2", "last"]);
  expect(made.text.startsWith(FLOW)).toBe(true);
  expect(edges(made.text)).toEqual(["read>map", "map>write", "read>map-2", "map-2>last"]);
});

test("on an edge the records go through it", () => {
  const [, on] = of(FLOW).edges;
  const made = inserted(FLOW, of(FLOW), stagesOf(SNIPPET), { on });
  expect(edges(made.text)).toEqual(["read>map", "last>write", "map>map-2", "map-2>last"]);
  expect(made.text).toContain("# first");
});

test("what begins by itself is fed by nothing, and the edge stays", () => {
  const [, on] = of(FLOW).edges;
  const whole = SNIPPET.replace("processor: { mapping: {} }", "source: orders");
  const made = inserted(FLOW, of(FLOW), stagesOf(whole), { on });
  expect(edges(made.text)).toEqual(["read>map", "map>write", "map-2>last"]);
});

test("stages become a snippet with open ends, and come back as they were", () => {
  const text = snippetOf(of(FLOW), ["map", "write"], "tail", "How: it ends");
  expect(parsed(text).value).toEqual({
    apiVersion: "weir/v1",
    kind: "Snippet",
    metadata: { name: "tail", description: "How: it ends" },
    spec: {
      stages: [
        { name: "map", processor: { mapping: {} } },
        { name: "write", from: "map", sink: "out" },
      ],
    },
  });
  const made = inserted("spec: {}", { stages: [], edges: [] }, stagesOf(text), {});
  expect(made.names).toEqual(["map", "write"]);
});
