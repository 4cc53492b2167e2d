import { expect, test } from "vitest";
import { cellsOf, matrix, typedOf } from "./matrix";
import { branches } from "./Tree";
import { badName, pathFor, TEMPLATES, textOf } from "./templates";

const view = (kind: string, name: string, text: string) => ({
  kind,
  name,
  text,
  path: `${name}.yaml`,
});

test("of several environments the later one wins, and what none defines is missing", () => {
  const columns = matrix(
    [
      view("Environment", "unused", "spec: { values: { C: 1 } }"),
      view("Environment", "site", "spec: { values: { A: 2 } }"),
      view("Environment", "defaults", "spec: { values: { A: 1, B: x } }"),
      view("Project", "project", "spec: { environments: [defaults, site] }"),
    ],
    "Environment",
  );
  expect(columns.map((it) => it.name)).toEqual(["defaults", "site", "unused"]);
  expect(cellsOf(columns, "A").map((it) => [it.value, it.isEffective])).toEqual([
    ["1", false],
    ["2", true],
    ["", false],
  ]);
  expect(cellsOf(columns, "C").map((it) => it.isMissing)).toEqual([true, true, false]);
  expect(["5", "1.5", "true", "x5", "5s"].map(typedOf)).toEqual([5, 1.5, true, "x5", "5s"]);
});

test("assets stand by kind, and what is looked for is found in all that is known", () => {
  const asset = (kind: string | null, name: string) => ({
    kind,
    name,
    path: `${name}.yaml`,
    description: `about ${name}`,
  });
  const all = [asset("Sink", "b"), asset("Workflow", "z"), asset(null, "x"), asset("Sink", "a")];
  expect(branches(all, "").map((it) => [it.kind, it.assets.map((one) => one.name)])).toEqual([
    ["Workflow", ["z"]],
    ["Sink", ["a", "b"]],
    ["Not assets yet", ["x"]],
  ]);
  expect(branches(all, "ABOUT A")).toHaveLength(1);
});

test("a new asset is whole, and its name one that others can write", () => {
  const [first] = TEMPLATES;
  if (!first) throw new Error("there are templates");
  expect(textOf(first, "a", "b")).toContain("metadata: { name: a, extends: b }\nspec: {}\n");
  expect(pathFor("Source", "in")).toBe("sources/in.yaml");
  expect(badName("näh")).toBeDefined();
  expect(badName("🛬")).toBeDefined();
  expect(badName("a".repeat(200))).toContain("128");
  expect(badName("a-1_b.c")).toBeUndefined();
});
