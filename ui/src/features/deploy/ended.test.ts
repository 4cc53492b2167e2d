import { expect, test } from "vitest";
import { endedElsewhere } from "./ended";

const running = [
  { name: "revenue", project: "shop", lastStreamAt: "2026-01-01T00:00:00Z" },
  { name: "orders", project: "shop", lastStreamAt: "2026-01-02T00:00:00Z" },
  { name: "events", project: "kb", lastStreamAt: null },
  { name: "flights", project: "flights", lastStreamAt: null },
];
const node = (stops: string[], restarts: string[] = []) => ({ stops, restarts });

test("what ends of other projects is told by project, and what is one's own is not", () => {
  expect(endedElsewhere([node(["revenue", "events"]), node(["orders"])], running, "kb")).toEqual([
    { project: "shop", workflows: ["orders", "revenue"], lastStreamAt: "2026-01-02T00:00:00Z" },
  ]);
  expect(endedElsewhere([node(["events", "unknown"])], running, "kb")).toEqual([]);
});

test("a workflow that takes the name of another project's ends that", () => {
  expect(endedElsewhere([node([], ["flights"])], running, "kb")).toEqual([
    { project: "flights", workflows: ["flights"], lastStreamAt: undefined },
  ]);
});
