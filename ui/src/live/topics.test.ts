import { expect, test } from "vitest";
import { withRows } from "./topics";

test("rows are put in, changed and taken out", () => {
  const before = {
    items: [
      { name: "a", n: 1 },
      { name: "c", n: 1 },
    ],
    total: 2,
  };
  const upsert = [
    { name: "b", n: 1 },
    { name: "a", n: 2 },
  ];
  const after = withRows("workflows", before, {
    type: "rows",
    upsert,
    remove: ["c"],
    beside: { total: 3 },
  });
  expect(after).toEqual({
    items: [
      { name: "a", n: 2 },
      { name: "b", n: 1 },
    ],
    total: 3,
  });
  expect(before.items).toHaveLength(2);
});

test("what is not said any more has gone", () => {
  const before = { members: [], storeTrouble: "away", leader: "a" };
  const change = { type: "rows" as const, beside: { leader: "b" } };
  expect(withRows("members", before, change)).toEqual({ members: [], leader: "b" });
});

test("the newest stream stands first", () => {
  const change = { type: "rows" as const, upsert: [{ id: "2" }] };
  expect(withRows("streams", { items: [{ id: "1" }] }, change)).toEqual({
    items: [{ id: "2" }, { id: "1" }],
  });
});

test("clusters are rows by their name, also one that comes new", () => {
  const before = {
    items: [
      { name: "default", urls: [] },
      { name: "west", urls: [] },
    ],
    total: 2,
  };
  const change = {
    type: "rows" as const,
    upsert: [{ name: "east", urls: [] }],
    remove: ["west"],
    beside: { total: 2 },
  };
  const after = withRows("clusters", before, change) as typeof before;
  expect(after.items.map((it) => it.name)).toEqual(["default", "east"]);
});
