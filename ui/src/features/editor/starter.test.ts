import { expect, test } from "vitest";
import { resolved, type Schema, schemaOf } from "./schema";
import { atOnce } from "./starter";

const root = await schemaOf("Workflow");
const of = (definition: string, kind: string): Schema =>
  resolved(root, resolved(root, { $ref: `#/$defs/${definition}` }).properties?.[kind] ?? {});
const shown = (slot: string, definition: string, kind: string, set: string[] = []) =>
  atOnce(of(definition, kind), ["spec", slot, kind], set);

test("a stage that needs nothing shows what it can do", () => {
  expect(shown("processor", "ProcessorSlot", "mapping")).toEqual(
    expect.arrayContaining(["set", "rename", "drop", "keep"]),
  );
});

test("what nearly everybody sets is shown, and the rest is folded", () => {
  const file = shown("source", "SourceSpec", "file", ["directory", "format"]);
  expect(file).toEqual(expect.arrayContaining(["directory", "format", "done", "error"]));
  expect(file).not.toContain("reprocess");
  expect(shown("source", "SourceSpec", "file", ["reprocess"])).toContain("reprocess");
});

test("a case of a test shows what comes in and what is to come out", async () => {
  const tests = await schemaOf("Test");
  const one = resolved(tests, { $ref: "#/$defs/CaseSpec" });
  const at = ["spec", "cases", 0];
  expect(atOnce(one, at, ["name"])).toEqual(["name", "input", "expect"]);
});

test("a fold that would hide one or two is none", () => {
  const properties = { name: {}, make: {}, field: {}, where: {} };
  expect(atOnce({ properties, required: ["name", "make"] }, ["values", 0], [])).toContain("field");
  const many = { ...properties, more: {}, most: {}, all: {} };
  expect(atOnce({ properties: many, required: ["name"] }, ["values", 0], [])).toEqual(["name"]);
});
