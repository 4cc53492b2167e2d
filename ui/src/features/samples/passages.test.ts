import { expect, test } from "vitest";
import {
  changes,
  counts,
  inScript,
  inText,
  passed,
  type Stage,
  shortened,
  type TestRun,
  verdict,
} from "./passages";

const stage = (more: Partial<Stage>): Stage => ({
  stage: "route",
  role: "operator",
  kind: "filterRoute",
  onError: "deadLetter",
  came: 0,
  left: [],
  failed: 0,
  dropped: 0,
  records: [],
  isCut: false,
  ...more,
});

const run = (more: Partial<TestRun>): TestRun => ({
  project: "p",
  workflow: "w",
  ending: "committed",
  stages: [],
  edges: [],
  ...more,
});

test("each field says whether it is new, gone, another or the same", () => {
  const found = changes(
    { a: 1, b: "1", gone: null, deep: { x: [1] } },
    { b: 1, a: 1, deep: { x: [1] }, c: 2 },
  );
  expect(found.map((it) => [it.name, it.change])).toEqual([
    ["b", "changed"],
    ["a", "same"],
    ["deep", "same"],
    ["c", "added"],
    ["gone", "removed"],
  ]);
});

test("an edge has as many records as left by its port, and none where the run knows no such edge", () => {
  const it = run({
    stages: [stage({ left: [{ port: "long", records: 7 }] })],
    edges: [
      { from: "route", port: "long", to: "write" },
      { from: "route", port: "severe", to: "write" },
    ],
  });
  expect(passed(it, { from: "route", port: "long", to: "write" })).toBe(7);
  expect(passed(it, { from: "route", port: "severe", to: "write" })).toBe(0);
  expect(passed(it, { from: "route", port: "long", to: "drawn-since" })).toBeUndefined();
  expect(passed(undefined, { from: "route", port: "long", to: "write" })).toBeUndefined();
});

test("what became of records is said in a few words", () => {
  const left = [
    { port: "long", records: 1_200 },
    { port: "severe", records: 0 },
  ];
  expect(counts(stage({ came: 1_205, left, dropped: 3, failed: 2 }))).toBe(
    "1,205 in, 1,200 to long, 3 left out, 2 failed",
  );
  expect(counts(stage({ role: "source", failed: 1 }))).toBe("none out, 1 failed");
  expect(counts(stage({ role: "sink", came: 4 }))).toBe("4 in");
});

test("how it ends counts what failed", () => {
  expect(verdict(run({}))).toEqual({ tone: "ok", words: "All of it would be committed" });
  expect(verdict(run({ stages: [stage({ failed: 2 })] })).words).toMatch(/but 2 records failed/);
  expect(verdict(run({ ending: "failed" })).tone).toBe("err");
  const error = {
    severity: "error",
    code: "WEIR-02001",
    file: "f",
    line: 1,
    column: 1,
    cause: "c",
  } as const;
  expect(verdict(run({ ending: "invalid", findings: [error] })).words).toMatch(/1 error$/);
});

const TEXT = `# a workflow
spec:
  stages:
    - name: read
    - name: check
      processor:
        javascript:
          script: | # it begins below

            export function onMessage(row) {
              return row.a.b;
            }
    - name: short
      processor: { javascript: { script: "export function onMessage(row) { return row.a.b }" } }
    - name: filed
      processor: { javascript: { script: { file: scripts/a.js } } }
`;

test("a place in a script is a place in the workflow's text", () => {
  const reason =
    "line 3, column 15 of the script: TypeError: cannot read property 'b' of undefined";
  const at = inScript(reason);
  expect(at).toEqual({ line: 3, column: 15 });
  expect(inScript("line 3, column 15 of something")).toBeUndefined();
  const place = at && inText(TEXT, "check", at);
  expect(place).toEqual({ line: 11, column: 27 });
  expect(TEXT.split("\n")[10]?.slice(26)).toBe(".b;");
});

test("a script in quotes is gone to as a whole, and one in a file not at all", () => {
  expect(inText(TEXT, "short", { line: 1, column: 40 })).toEqual({ line: 14, column: 1 });
  expect(inText(TEXT, "filed", { line: 1, column: 1 })).toBeUndefined();
  expect(inText(TEXT, "gone", { line: 1, column: 1 })).toBeUndefined();
});

test("what is long says how long it is", () => {
  expect(shortened("abc", 3)).toBe("abc");
  expect(shortened("abcd", 3)).toBe("abc … (4 characters)");
});
