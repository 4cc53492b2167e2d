import { expect, test } from "vitest";
import type { Finding } from "../projects/projects";
import { isAt, spotOf } from "./at";

const whole = { spec: { stages: [{ name: "read" }, { name: "js", rules: [{ when: "a" }] }] } };
const found = (cause: string, fix?: string): Finding => ({
  severity: "error",
  code: "X",
  file: "f",
  line: 1,
  column: 1,
  cause,
  fix,
});

test("a finding is at its value, however its path names entries of lists", () => {
  const path = ["spec", "stages", { name: "js" }, "rules", 0, "when"];
  expect(isAt("spec.stages[1].rules[0].when", path, whole)).toBe(true);
  expect(isAt("spec.stages[js].rules[0].when", path, whole)).toBe(true);
  expect(isAt("spec.stages[0].rules[0].when", path, whole)).toBe(false);
  expect(isAt("spec.stages[1].rules[0]", path, whole)).toBe(false);
  expect(isAt("", path, whole)).toBe(false);
});

test("the place in a script is that of the finding, the one in an expression is where its word stands", () => {
  expect(spotOf(found("line 2, column 11 of the script: SyntaxError: no"), "")).toEqual({
    line: 2,
    column: 11,
    message: "SyntaxError: no",
    severity: "error",
  });
  expect(
    spotOf(found("there is no field amont", 'did you mean "amount"?'), "a > 1\nAND amont > 2"),
  ).toEqual({
    line: 2,
    column: 5,
    message: 'there is no field amont; did you mean "amount"?',
    severity: "error",
  });
  expect(spotOf(found("it is empty"), "")).toMatchObject({ line: 1, column: 1 });
});
