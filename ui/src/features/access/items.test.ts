import { expect, it } from "vitest";
import { areSettled, nodeOf } from "./items";

it("knows the node of an incarnation", () => {
  expect(nodeOf("node-1#abc")).toBe("node-1");
});

it("waits for those that were reset until each has come to an end", () => {
  const [done, failed] = [
    { name: "a", status: "done" as const },
    { name: "b", status: "failed" as const },
  ];
  expect(areSettled(["a", "b"], [done, failed])).toBe(true);
  expect(areSettled(["a", "b"], [done])).toBe(false);
  expect(areSettled(["a"], [{ ...done, status: "pending" }])).toBe(false);
});
