import { expect, test } from "vitest";
import { offered } from "./palette";

const all = [
  { title: "Nodes", kind: "View", path: "/nodes" },
  { title: "flights", kind: "Workflow", path: "/workflows/flights" },
  { title: "n1", kind: "Node", path: "/nodes/n1" },
];

test("what begins with the words stands first, kinds count too", () => {
  expect(offered(all, "n").map((it) => it.title)).toEqual(["Nodes", "n1"]);
  expect(offered(all, "node n1").map((it) => it.title)).toEqual(["n1"]);
  expect(offered(all, "")).toHaveLength(3);
});
