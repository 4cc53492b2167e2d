import { expect, test } from "vitest";
import type { Design } from "./design";
import { mends, stageOf } from "./mend";
import { placed, tidied } from "./places";

const stage = (id: string, role: "source" | "operator" | "sink", ports = ["out"]) => ({
  id,
  role,
  kind: "k",
  ports,
  config: {},
});
const edge = (from: string, to: string, port = "out") => ({ from, port, to });
const two: Design = {
  stages: [stage("a", "source"), stage("b", "sink", [])],
  edges: [edge("a", "b")],
};

test("records flow from left to right", () => {
  const { a, b } = tidied(two);
  expect(a?.x).toBeLessThan(b?.x ?? 0);
  expect(a?.y).toBe(b?.y);
});

test("what is placed stays, and makes room for what comes between", () => {
  const known = { a: { x: 0, y: 50 }, b: { x: 300, y: 50 } };
  const between: Design = {
    stages: [...two.stages, stage("m", "operator")],
    edges: [edge("a", "m"), edge("m", "b")],
  };
  const places = placed(between, known);
  expect(places.a).toEqual(known.a);
  expect(places.m).toEqual(known.b);
  expect(places.b?.x).toBeGreaterThan(500);
  const alone = placed({ ...two, stages: [...two.stages, stage("z", "source")] }, known);
  expect(alone.z).not.toEqual(known.a);
});

const finding = (code: string, path: string, cause = "") => ({
  code,
  path,
  cause,
  file: "w.yaml",
  line: 1,
  column: 1,
  severity: "error" as const,
});

test("a finding is shown at the stage that it is about", () => {
  const own = ["read", "route"];
  const at = (path: string) => stageOf(finding("x", path), own);
  expect(at("spec.stages[1].processor")).toBe("route");
  expect(at("spec.stages[read].source")).toBe("read");
  expect(at("route.late")).toBe("route");
  expect(at("route.late -> x")).toBe("route");
  expect(at("spec.retry")).toBeUndefined();
});

test("a port that leads nowhere is led to where nothing is kept", () => {
  const text = "spec:\n  stages:\n    - name: a\n      source: s\n";
  const it: Design = { stages: [stage("a", "source")], edges: [] };
  const fix = mends(text, it)(finding("WEIR-02107", "a.out"));
  expect(fix?.text()).toContain("- name: discard\n      from: a\n      sink:\n        devNull: {}");
  expect(mends(text, it)(finding("WEIR-02001", "a.out"))).toBeUndefined();
});
