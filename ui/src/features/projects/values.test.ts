import { expect, test } from "vitest";
import { applied, contested, countOf, drafted, meant, stored } from "./values";

const text = "spec:\n  values:\n    LATE: 15 # minutes\n    GONE: a\n";

test("what is typed is a draft until it stands so, and is written with its type", () => {
  const late = drafted({}, "e.yaml", "LATE", "20", "15");
  const both = drafted(late, "e.yaml", "GONE", "", "a");
  expect(countOf(both)).toBe(2);
  expect(applied({ path: "e.yaml", text }, both)).toBe(
    "spec:\n  values:\n    LATE: 20 # minutes\n",
  );
  expect(applied({ path: "other.yaml", text }, both)).toBe(text);
  expect(drafted(late, "e.yaml", "LATE", "15", "15")).toEqual({});
});

test("what somebody else wrote into the same cell is not written over before it is chosen", () => {
  const typed = drafted(drafted({}, "e.yaml", "LATE", "2", "15"), "e.yaml", "LATE", "20", "15");
  expect(contested(typed, "e.yaml", { LATE: 15 })).toEqual([]);
  expect(contested(typed, "e.yaml", { LATE: 16, GONE: "b" })).toEqual(["LATE"]);
  expect(contested(typed, "e.yaml", {})).toEqual(["LATE"]);
  // Both wrote the same: nobody has to choose.
  expect(contested(typed, "e.yaml", { LATE: 20 })).toEqual([]);
  // Who types on has not chosen yet.
  const on = drafted(typed, "e.yaml", "LATE", "21", "16");
  expect(contested(on, "e.yaml", { LATE: 16 })).toEqual(["LATE"]);
  const mine = meant(typed, "e.yaml", "LATE", "16");
  expect(contested(mine, "e.yaml", { LATE: 16 })).toEqual([]);
  expect(applied({ path: "e.yaml", text }, mine)).toContain("LATE: 20");
});

test("what is typed while a save is on its way is still to save", () => {
  const sent = drafted(
    drafted(drafted({}, "e.yaml", "LATE", "020", "15"), "e.yaml", "GONE", "", "a"),
    "e.yaml",
    "BACK",
    "new",
    "old",
  );
  const typed = drafted(drafted(sent, "e.yaml", "GONE", "b", "a"), "e.yaml", "MORE", "1", "");
  const now = stored(
    drafted(typed, "e.yaml", "BACK", "old", "old"),
    "e.yaml",
    sent["e.yaml"] ?? {},
  );
  expect(now).toEqual({
    "e.yaml": {
      GONE: { typed: "b", stood: "" },
      MORE: { typed: "1", stood: "" },
      BACK: { typed: "old", stood: "new" },
    },
  });
  expect(contested(now, "e.yaml", { LATE: 20, BACK: "new" })).toEqual([]);
  expect(stored(sent, "e.yaml", sent["e.yaml"] ?? {})).toEqual({});
});
