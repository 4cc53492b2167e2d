import { expect, test } from "vitest";
import { matches, moved, sorted } from "./table";

test("rows are sorted as people count, what is unknown last", () => {
  const by = (it: { v?: string | number }) => it.v;
  const names = sorted([{ v: "n10" }, {}, { v: "n2" }], by, false);
  expect(names.map(by)).toEqual(["n2", "n10", undefined]);
  expect(sorted([{ v: 1 }, {}, { v: 3 }], by, true).map(by)).toEqual([3, 1, undefined]);
});

test("all words must be there, in any order", () => {
  expect(matches("flights-2001 committed node-1", "NODE-1 commit")).toBe(true);
  expect(matches("flights-2001 committed", "failed")).toBe(false);
});

test("the keyboard stays in the table", () => {
  expect([
    moved(0, "k", 3),
    moved(1, "j", 3),
    moved(2, "PageDown", 3),
    moved(1, "Home", 3),
    moved(0, "End", 3),
  ]).toEqual([0, 2, 2, 0, 2]);
});
