import { expect, test } from "vitest";
import { decisionsOf, type Merge, said, typedAs } from "./merge";

const FIELD = { path: "a.yaml", field: "spec.x", base: 1, ours: 2, theirs: 3 };
const FILE = { path: "a.txt", base: "1", ours: "2", theirs: "3" };
const MERGE = {
  outcome: "conflicts",
  ours: "aa",
  theirs: "bb",
  conflicts: [FIELD, FILE],
} as unknown as Merge;

test("nothing is sent until all is decided", () => {
  const ours = { take: "ours", typed: "" } as const;
  expect(decisionsOf(MERGE, { "a.yaml:spec.x": ours })).toBeUndefined();
  const own = { take: "value", typed: "4" } as const;
  expect(decisionsOf(MERGE, { "a.yaml:spec.x": own, "a.txt:": ours })).toEqual({
    ours: "aa",
    theirs: "bb",
    conflicts: [
      { path: "a.yaml", field: "spec.x", take: "value", value: 4 },
      { path: "a.txt", field: undefined, take: "ours", value: undefined },
    ],
  });
});

test("what is typed for a text stays a text", () => {
  expect(typedAs(FILE as never, "4")).toBe("4");
  expect(typedAs({ ...FIELD, ours: "a", theirs: "b" } as never, "4")).toBe("4");
  expect(typedAs(FIELD as never, "not json")).toBe("not json");
  expect([said("a"), said({ a: 1 }), said(null)]).toEqual(["a", '{\n "a": 1\n}', ""]);
});
