import { expect, test } from "vitest";
import {
  type Field,
  fieldOf,
  KINDS,
  resolved,
  type Schema,
  schemaAt,
  schemaOf,
  specOf,
} from "./schema";
import { starter } from "./starter";

test("every kind has a schema", async () => {
  for (const kind of KINDS) expect((await schemaOf(kind)).title, kind).toBe(`Weir ${kind}`);
});

test("fields are shown as what they are", async () => {
  const root = await schemaOf("Workflow");
  const stage = root.$defs?.StageSpec?.properties ?? {};
  const of = (schema: Schema | undefined) => fieldOf(root, schema ?? {});
  expect(of(stage.source)).toMatchObject({ is: "slot", kind: "Source" });
  expect(of(stage.processor).is).toBe("oneKey");
  const onError = of(stage.onError) as Field & { is: "choice" };
  expect(onError.options.map((it) => it.value)).toEqual(["rollback", "deadLetter", "ignore"]);
  const processors = resolved(root, stage.processor ?? {}).properties ?? {};
  const mapping = processors.mapping?.properties ?? {};
  expect(of(mapping.set).is).toBe("pairs");
  expect(of(mapping.drop).is).toBe("texts");
  expect(of(processors.throttle?.properties?.records).is).toBe("number");
  expect(of(processors.javascript?.properties?.script).is).toBe("script");
  expect(of(processors.filterRoute?.properties?.rules).is).toBe("list");
  expect(of(processors.javascript?.properties?.outputs).is).toBe("named");
  const tests = await schemaOf("Test");
  const workflow = resolved(tests, specOf(tests)).properties?.workflow ?? {};
  expect(fieldOf(tests, workflow)).toEqual({ is: "name", kind: "Workflow" });
  const source = await schemaOf("Source");
  expect(fieldOf(source, specOf(source)).is).toBe("oneKey");
  const format = await schemaOf("Format");
  expect(fieldOf(format, specOf(format)).is).toBe("typed");
});

test("what stands at a path is known, also where a value decides", async () => {
  const root = await schemaOf("Format");
  const value = { spec: { type: "csv" } };
  const [found] = schemaAt(root, ["spec"], value);
  expect(Object.keys(found?.properties ?? {})).toContain("delimiter");
});

test("what has no settings begins with none", async () => {
  const root = await schemaOf("Workflow");
  const { devNull = {} } = root.$defs?.SinkSpec?.properties ?? {};
  expect(starter("sink", "devNull", root, devNull)).toEqual({});
});
