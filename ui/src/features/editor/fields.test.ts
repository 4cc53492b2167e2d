import { expect, test } from "vitest";
import { fieldsBefore, namedBefore } from "./fields";

const spec = {
  stages: [
    { name: "read", source: "drop" },
    {
      name: "map",
      from: "read",
      processor: { mapping: { set: { total: "1" }, rename: { a: "b" }, drop: ["gone"] } },
    },
    {
      name: "js",
      from: "map",
      processor: { javascript: { outputs: { out: { add: [{ name: "x" }] } } } },
    },
    {
      name: "sum",
      from: "js.out",
      processor: { aggregate: { key: ["b"], values: [{ name: "n" }] } },
    },
    { name: "end", from: "sum", sink: {} },
  ],
};
const assets: Record<string, unknown> = {
  "Source drop": { file: { format: "csv" } },
  "Format csv": { type: "csv", schema: [{ name: "a" }, { name: "gone" }, { name: "stays" }] },
};
const lookup = (kind: string, name: string) => assets[`${kind} ${name}`];

test("fields come from the format, and change from stage to stage", () => {
  const of = (stage: string) => fieldsBefore(spec, stage, lookup);
  expect(of("read")).toEqual([]);
  expect(of("map")).toEqual(["a", "gone", "stays"]);
  expect(of("js")).toEqual(["stays", "b", "total"]);
  expect(of("sum")).toEqual(["stays", "b", "total", "x"]);
  expect(of("end")).toEqual(["b", "n"]);
});

test("a workflow that goes in a circle, or says nonsense, has no fields and no end", () => {
  const bad = { stages: [{ name: "a", from: ["b", 3] }, { name: "b", from: "a" }, null] };
  expect(fieldsBefore(bad, "a", lookup)).toEqual([]);
});

test("of a project, what comes to a stage needs its sources and their formats, and nothing else", () => {
  const more = [...spec.stages, { name: "other", source: "elsewhere" }];
  const of = (stage: string) => namedBefore({ stages: more }, stage, lookup);
  const source = { kind: "Source", name: "drop" };
  expect(of("sum")).toEqual([source, { kind: "Format", name: "csv" }]);
  expect(namedBefore({ stages: more }, "sum", () => undefined)).toEqual([source]);
  expect(of("read")).toEqual([]);
});
