import { expect, test } from "vitest";
import { isNamed, matches, moved, sorted, sortingOf, toggled, withSorting } from "./table";

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

test("the orders of several tables stand in one piece of the address", () => {
  const one = withSorting(undefined, "Dead letters", { by: "at", isDown: true });
  expect(one).toBe("dead-letters.-at");
  const both = withSorting(one, "Replays", { by: "item", isDown: false });
  expect(sortingOf(both, "Dead letters")).toEqual({ by: "at", isDown: true });
  expect(sortingOf(both, "Replays")).toEqual({ by: "item", isDown: false });
  expect(withSorting(both, "Dead letters", { by: "stage", isDown: false })).toBe(
    "replays.item,dead-letters.stage",
  );
  expect(sortingOf(both, "letters")).toBeUndefined();
});

test("charts that are shown as tables stand in the address by name", () => {
  const one = toggled(undefined, "Records per second");
  const both = toggled(one, "Left out per second");
  expect(isNamed(both, "Records per second")).toBe(true);
  expect(isNamed(both, "Bytes per second")).toBe(false);
  expect(toggled(toggled(both, "Records per second"), "Left out per second")).toBeUndefined();
});
