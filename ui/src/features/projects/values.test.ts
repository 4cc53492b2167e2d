import { expect, test } from "vitest";
import { applied, countOf, drafted } from "./values";

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
