import { expect, test } from "vitest";
import type { DesignStage } from "./design";
import { keptNodes, nodeOf } from "./nodes";

const stage = (id: string, more: Partial<DesignStage> = {}): DesignStage => ({
  id,
  role: "operator",
  kind: "mapping",
  ports: ["out"],
  config: {},
  ...more,
});
const node = (id: string, selected = false, more: Partial<DesignStage> = {}, errors = 0) =>
  nodeOf(
    { stage: stage(id, more), errors, warnings: 0, isInherited: false, failed: 0 },
    { x: 1, y: 2 },
    selected,
  );

test("what looks as it did is the same node, and no other is", () => {
  const before = [node("a"), node("b"), node("c"), node("d")];
  const wanted = [
    node("a"),
    node("b", true),
    node("c", false, {}, 1),
    node("d", false, { ports: ["out", "late"] }),
    node("e"),
  ];
  const now = keptNodes(before, wanted);
  expect(now[0]).toBe(before[0]);
  expect(now.slice(1)).toEqual(wanted.slice(1));
});

test("each port is told where it is drawn: nothing has to be measured", () => {
  const it = node("route", false, { ports: ["severe", "long"] });
  expect(it.measured).toEqual({ width: it.width, height: it.height });
  expect(it.handles?.map((one) => one.id)).toEqual([undefined, "severe", "long"]);
  expect(node("read", false, { role: "source" }).handles).toHaveLength(1);
});
