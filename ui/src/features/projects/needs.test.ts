import { expect, test } from "vitest";
import type { Column } from "./matrix";
import { needsOf } from "./needs";

const column = (path: string, order: number | undefined, values: object = {}) =>
  ({ path, name: path, order, values }) as Column;
const [dev, prod] = [column("dev", 0), column("prod", undefined)];

test("an environment needs what its values name, and what all other assets name", () => {
  const keys = column("keys", 0, { SALT: "x" });
  const spare = column("spare", undefined, { OLD: "x" });
  const uses = new Map([
    ["SALT", ["prod"]],
    ["PASSWORD", ["workflow"]],
    ["OLD", ["dev", "workflow"]],
  ]);
  const states = (name: string) =>
    needsOf(name, [dev, prod], [keys, spare], uses).map((it) => it.state);
  expect(states("SALT")).toEqual(["none", "has"]);
  expect(states("PASSWORD")).toEqual(["lacks", "lacks"]);
  expect(states("OLD")).toEqual(["unused", "unused"]);
  expect(needsOf("OLD", [dev, prod], [], uses).map((it) => it.by)).toEqual([
    ["dev", "workflow"],
    ["workflow"],
  ]);
});
