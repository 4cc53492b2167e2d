import { expect, test } from "vitest";
import { missingClaim, problemIn, problemOf, Refusal, UNREACHED } from "./problem";

test("a refusal is shown as the server says it", () => {
  const problem = {
    type: "x",
    title: "t",
    status: 403,
    code: "WEIR-07016",
    detail: "the claim key:read is missing",
  };
  expect(problemOf(problem, 403)).toBe(problem);
  expect(problemIn(new Refusal(problem))).toBe(problem);
  expect(missingClaim(problem)).toBe("key:read");
});

test("what is no problem document is told by its status", () => {
  expect(problemOf("<html>", 502).detail).toContain("502");
  expect(problemIn(new TypeError("failed to fetch"))).toBe(UNREACHED);
  expect(missingClaim(UNREACHED)).toBeUndefined();
});
