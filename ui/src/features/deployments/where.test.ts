import { expect, test } from "vitest";
import { whereInShort, whereOf, whereSaid } from "./where";

const failure = (target: string) => ({
  target,
  at: "2026-11-22T20:20:00Z",
  cause: { code: "WEIR-1", kind: "config" as const, message: "no" },
});
const activations = [
  { node: "node-1", current: "acc-1" },
  { node: "node-3", current: "acc-1", failure: failure("bad-1") },
];

test("where a deployment could not be activated it does not run, and what runs there does", () => {
  const bad = whereOf({ tag: "bad-1", nodes: ["node-3"] }, activations);
  expect(whereSaid(bad)).toBe("no node; is to run on node-3, whose activation failed");
  expect(whereInShort(bad)).toBe("failed on node-3");
  const acc = whereOf({ tag: "acc-1", nodes: [] }, activations);
  expect([whereSaid(acc), whereInShort(acc)]).toEqual(["node-1, node-3", "on 2 nodes"]);
});

test("of a node that has not said what it runs it is said what it is to run", () => {
  const it = whereOf({ tag: "acc-1", nodes: ["node-1", "node-2"] }, activations.slice(0, 1));
  expect(whereSaid(it)).toBe("node-1; is to run on node-2");
  expect(whereInShort(it)).toBe("on 1 node, to run on node-2");
  expect(whereSaid(whereOf({ tag: "x", nodes: [] }, []))).toBe("no node");
});
