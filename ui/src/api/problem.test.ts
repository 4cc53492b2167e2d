import { expect, test } from "vitest";
import { apart, detailOf, missingClaim, problemIn, problemOf, Refusal, UNREACHED } from "./problem";

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

test("what is wrong with a field is said once, and where", () => {
  const errors = [{ pointer: "/password", detail: "it has 5 characters" }];
  const one = { ...UNREACHED, detail: "/password is not valid: it has 5 characters", errors };
  expect(detailOf(one)).toBe("password: it has 5 characters");
  expect(apart(one)).toEqual([]);
  expect(apart({ ...one, detail: "two fields are not valid" })).toEqual(errors);
});
