import { expect, test } from "vitest";
import { graphDiff, type Side, sideOf } from "../diff/graphDiff";
import { becameOf, overall, unmoved } from "../diff/said";
import { bareOf, commitThere, moved, runningOf } from "./planned";

test("what nodes start, end or start anew is what a plan changes", () => {
  const plan = [
    { starts: ["c"], restarts: ["b"], stops: [], stays: ["d"] },
    { starts: [], restarts: ["b"], stops: ["a"], stays: [] },
  ];
  expect(moved(plan)).toEqual(["a", "b", "c"]);
  expect(moved([])).toEqual([]);
});

test("what runs of a project after a deploy is what is not stopped, on any node", () => {
  const plan = [
    { starts: ["c"], restarts: ["b"], stays: ["other"] },
    { starts: [], restarts: [], stays: ["a", "b"] },
  ];
  expect(runningOf(plan, ["a", "b", "c", "stopped"])).toEqual(["a", "b", "c"]);
});

test("a cluster has a version of the project where its default is of it", () => {
  const one = { project: "shop", default: true, commit: "c1" };
  expect(commitThere([{ ...one, default: false }, one], "shop")).toBe("c1");
  expect(commitThere([one], "other")).toBeUndefined();
  expect(commitThere([{ ...one, commit: null }], "shop")).toBeUndefined();
  expect(commitThere([], "shop")).toBeUndefined();
});

test("against what an engine tells, stages and connections are compared", () => {
  const counts = {} as never;
  const stage = (id: string, role: "source" | "sink", kind: string) => ({
    id,
    role,
    kind,
    counts,
    onError: "rollback" as const,
  });
  const there = bareOf({
    stages: [stage("read", "source", "file"), stage("gone", "sink", "devNull")],
    edges: [{ from: "read", port: "out", to: "gone" }],
  });
  const text =
    "kind: Workflow\nspec:\n  stages:\n    - { name: read, source: files }\n    - { name: end, from: read, sink: { devNull: {} } }\n";
  const { stages, edges } = graphDiff(there, sideOf(text) as Side);
  expect(stages.map((it) => `${it.stage.id} ${becameOf(it)}`)).toEqual([
    "read there before, too",
    "end added",
    "gone removed",
  ]);
  expect(edges.map((it) => `${it.to} ${it.change}`)).toEqual(["end added", "gone removed"]);
});

test("what is set in stages is not said to be as it was where that is not known", () => {
  const there = bareOf({ stages: [], edges: [] });
  const text = "kind: Workflow\nspec:\n  stages:\n    - { name: slow, sink: { devNull: {} } }\n";
  const side = sideOf(text) as Side;
  const bare: Side = { ...there, design: { ...side.design, edges: [] } };
  const unknown = graphDiff(bare, side);
  expect([unmoved(unknown), overall(unknown)]).toEqual(
    Array(2).fill(
      "No stage and no connection came or went; what is set in them can’t be compared here.",
    ),
  );
  expect(unmoved(graphDiff(side, side))).toBe("No stage and no connection changed.");
});
