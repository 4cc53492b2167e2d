import { expect, test } from "vitest";
import { type Case, type Report, sentence, worstFirst } from "./report";

const of = (...results: Case["result"][]): Report => ({
  passed: results.filter((it) => it === "passed").length,
  failed: results.filter((it) => it === "failed").length,
  invalid: results.filter((it) => it === "invalid").length,
  cases: results.map((result, at) => ({ result, case: `${at}` }) as Case),
  untested: [],
});

test("a run is told in a sentence", () => {
  expect(sentence(of("passed", "passed"))).toBe("All 2 cases passed.");
  expect(sentence(of("passed", "failed", "invalid"))).toBe(
    "1 failed, 1 can’t be run, 1 of 3 passed.",
  );
  expect(sentence(of())).toBe("No case is called so.");
});

test("what is wrong comes first", () => {
  const cases = worstFirst(of("passed", "failed", "passed", "invalid").cases);
  expect(cases.map((it) => it.case)).toEqual(["3", "1", "0", "2"]);
});
