import { expect, test } from "vitest";
import { parsed } from "../editor/text";
import {
  added,
  connected,
  copied,
  type Design,
  design,
  disconnected,
  hasFormat,
  inFlow,
  misfit,
  pasted,
  removed,
  renamed,
} from "./design";

const TEXT = `kind: Workflow # kept
spec:
  stages:
    - name: read # here it begins
      source: files

    - name: route
      from: read
      processor:
        filterRoute:
          rules:
            - when: a > 1
              to: [many, all]
          otherwise: drop

    - name: write
      from: [route.many, route.all]
      sink: { file: { directory: out } }
`;

const of = (text: string) => design((parsed(text).value as { spec: unknown }).spec);
const it = of(TEXT);
const edge = (from: string, port: string, to: string) => ({ from, port, to });

test("stages have the ports that their configuration names", () => {
  expect(it.stages.map((one) => [one.id, one.role, one.kind, one.ports])).toEqual([
    ["read", "source", "files", ["out"]],
    ["route", "operator", "filterRoute", ["many", "all"]],
    ["write", "sink", "file", []],
  ]);
  expect(it.edges).toEqual([
    edge("read", "out", "route"),
    edge("route", "many", "write"),
    edge("route", "all", "write"),
  ]);
});

test("only what fits is connected, and a refusal says why", () => {
  expect(misfit(it, edge("read", "out", "write"))).toBeUndefined();
  expect(misfit(it, edge("route", "many", "read"))).toContain("is a source");
  expect(misfit(it, edge("write", "out", "route"))).toContain("no port");
  expect(misfit(it, edge("read", "out", "route"))).toContain("already");
  const looped = connected(TEXT, it, edge("read", "out", "write"));
  expect(of(looped).edges).toHaveLength(4);
  const two = added(
    TEXT,
    it,
    { name: "m", role: "operator", slot: { mapping: {} } },
    {
      behind: edge("route", "many", ""),
    },
  );
  expect(misfit(of(two), edge("m", "out", "route"))).toContain("go round");
});

test("a stage that is put on an edge takes its place there", () => {
  const now = added(
    TEXT,
    it,
    { name: "slow", role: "operator", slot: { throttle: { records: 1 } } },
    { on: edge("route", "many", "write") },
  );
  expect(of(now).edges).toEqual([
    edge("read", "out", "route"),
    edge("route", "many", "slow"),
    edge("slow", "out", "write"),
    edge("route", "all", "write"),
  ]);
  expect(now).toContain("# here it begins");
  expect(now).toContain("\n\n    - name: slow\n      from: route.many\n");
  expect(of(now).stages.map((one) => one.id)).toEqual(["read", "route", "slow", "write"]);
});

test("what is taken out leaves nothing that names it", () => {
  const now = removed(TEXT, it, ["route"]);
  expect(now).not.toContain("route");
  expect(of(now).edges).toEqual([]);
  expect(now).toContain("kind: Workflow # kept");
  expect(of(disconnected(TEXT, it, [edge("route", "all", "write")])).edges).toHaveLength(2);
});

test("another name goes wherever the stage is named", () => {
  const now = renamed(TEXT, it, "route", "sort");
  expect(of(now).edges).toContainEqual(edge("sort", "many", "write"));
  expect(now).not.toContain("route.");
});

test("copies have free names, and are connected among themselves", () => {
  const { text, names } = pasted(TEXT, it, copied(it, ["route", "write"]));
  expect(names).toEqual(["route-2", "write-2"]);
  expect(of(text).edges.slice(3)).toEqual([
    edge("route-2", "many", "write-2"),
    edge("route-2", "all", "write-2"),
  ]);
});

test("stages are gone through in the order of the records", () => {
  expect(inFlow(it).map((one) => one.id)).toEqual(["read", "route", "write"]);
  const text = added(
    "kind: Workflow\nspec: {}\n",
    { stages: [], edges: [] },
    {
      name: "read",
      role: "source",
      slot: "files",
    },
  );
  expect(of(text).stages).toHaveLength(1);
});

test("what a parent says of a stage is taken back by saying so", () => {
  const child = "kind: Workflow\nspec:\n  stages:\n    - name: extra\n      sink: s\n";
  const whole: Design = {
    ...it,
    stages: [...it.stages, ...of(child).stages],
    inherited: new Set(["read", "route", "write"]),
  };
  const cut = disconnected(child, whole, [edge("read", "out", "route")]);
  expect(cut).toContain("- name: route\n      from: null\n");
  expect(removed(child, whole, ["write"])).toContain("- name: write\n      removed: true\n");
  expect(removed(child, whole, ["extra"])).not.toContain("removed");
});

test("whether a source reads a format is what its schema says", () => {
  const root = {
    $defs: {
      SourceSpec: { properties: { file: { $ref: "#/$defs/File" }, generator: { properties: {} } } },
      File: { properties: { format: {} } },
    },
  };
  const stages = design({
    stages: [
      { name: "a", source: { file: {} } },
      { name: "b", source: { generator: {} } },
      { name: "c", source: "generator" },
      { name: "d", source: { unheardOf: {} } },
    ],
  }).stages;
  expect(stages.map((it) => hasFormat(root, it))).toEqual([true, false, undefined, undefined]);
});
