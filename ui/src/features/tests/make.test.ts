import { expect, test } from "vitest";
import type { Schemas } from "../../api/client";
import { firstCase, keptCase, testText } from "./make";

const stage = (more: Partial<Schemas["TestRunStage"]>): Schemas["TestRunStage"] => ({
  stage: "write",
  role: "sink",
  kind: "file",
  onError: "rollback",
  came: 0,
  left: [],
  failed: 0,
  dropped: 0,
  records: [],
  isCut: false,
  ...more,
});
const read = stage({
  stage: "read",
  role: "source",
  onError: "deadLetter",
  failed: 1,
  records: [
    { item: "sample-1", position: 1, after: [{ port: "out", record: { id: 1 } as never }] },
    { item: "sample-1", position: 2, after: [], failure: { reason: "no", raw: "x" } },
  ],
});
const write = (record: Record<string, unknown>, more: Partial<Schemas["TestRunStage"]> = {}) =>
  stage({
    came: 1,
    records: [{ item: "sample-1", position: 1, before: record as never, after: [] }],
    ...more,
  });
const run = (...stages: Schemas["TestRunStage"][]): Schemas["TestRun"] => ({
  project: "shop",
  workflow: "orders",
  ending: "committed",
  stages,
  edges: [],
});
const tried = {
  samples: [{ source: "read", text: "id\n1\nx\n" }],
  environment: null,
  text: "",
  unsaved: [],
};

test("a new test has a case that can be read", () => {
  const stages = [
    { id: "read", role: "source" },
    { id: "write", role: "sink" },
  ] as const;
  expect(testText("first", "orders", firstCase(stages))).toBe(`apiVersion: weir/v1
kind: Test
metadata:
  name: first
spec:
  workflow: orders
  cases:
    - name: what comes in comes out
      input:
        read:
          - rows:
              - {}
      expect:
        write:
          count: 1
`);
  expect(firstCase([])).toMatchObject({ input: {}, expect: {} });
});

test("what was tried is kept with what came out of it", () => {
  const one = keptCase(run(read, write({ id: 1 })), tried, {
    environment: { LATE: 3 },
    secrets: ["DB"],
  });
  expect(one).toEqual({
    name: "what was tried",
    environment: { LATE: 3 },
    secrets: { DB: "[secret DB]" },
    input: { read: [{ item: "sample-1", text: "id\n1\nx\n" }] },
    expect: {
      write: { records: [{ id: 1 }] },
      "dead-letters": { records: [{ stage: "read", position: 2 }] },
    },
  });
  if ("not" in one) throw new Error(one.not);
  expect(testText("t", "orders", one)).toContain(`          - item: sample-1
            text: |
              id
              1
              x
      expect:
        write:
          records:
            - { id: 1 }
`);
});

test("what is not wholly known is not kept", () => {
  const why = (...args: Parameters<typeof keptCase>) => {
    const it = keptCase(...args);
    return "not" in it ? it.not : "kept";
  };
  expect(why({ ...run(write({})), ending: "failed" }, tried)).toMatch(/Nothing came out/);
  expect(why(run(write({}, { isCut: true })), tried)).toMatch(/Not all records at write/);
  expect(why(run(write({}, { came: 2 })), tried)).toMatch(/Not all records/);
  for (const value of ["***", `${"x".repeat(2_000)}…`, 2 ** 60, { a: ["***"] }])
    expect(why(run(write({ value })), tried)).toMatch(/cut or masked/);
  expect(why(run(write({ value: 1.5, text: "…" })), tried)).toBe("kept");
  const unsaved = { ...tried, unsaved: ["environments/night.yaml"] };
  expect(why(run(write({})), unsaved)).toMatch(/save environments\/night\.yaml/);
  const file = { ...tried, samples: [{ source: "read", base64: "eA==" }] };
  expect(why(run(write({})), file)).toMatch(/file that is not shown/);
});
