import { expect, it } from "vitest";
import { nodeOf } from "./items";

it("knows the node of an incarnation", () => {
  expect(nodeOf("node-1#abc")).toBe("node-1");
});
