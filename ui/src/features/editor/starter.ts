// What a part of an asset begins with when somebody adds it: as little as it needs.
import { fieldOf, resolved, type Schema } from "./schema";

/** Where the schema asks for too little, or for what one can't know. */
const USUAL: Record<string, unknown> = {
  "source.file": { directory: "in", format: { type: "csv" } },
  "source.generator": { rate: 10, fields: [{ name: "id", make: "sequence" }] },
  "source.timer": { every: "10s" },
  "source.tail": { directory: "in", format: { type: "raw" } },
  "sink.file": {
    directory: "out",
    name: "$" + "{item:stem}.jsonl",
    format: { type: "json" },
    createDirectory: true,
  },
  "processor.filterRoute": { rules: [{ when: "true", to: "matched" }], otherwise: "drop" },
  "processor.throttle": { records: 1000, per: "1s" },
  "processor.deduplicate": { key: ["id"], within: "1h" },
  "processor.boundary": { records: 1000 },
  "processor.aggregate": { key: [], values: [{ name: "records", make: "count" }] },
  "processor.javascript": {
    script: "export function onMessage(row) {\n  return row;\n}\n",
  },
};

/** The least that stands under a kind of a slot, as `source.file`. */
export function starter(slot: string, kind: string, root: Schema, schema: Schema): unknown {
  return structuredClone(USUAL[`${slot}.${kind}`]) ?? least(root, schema);
}

/** A value that has what it must have. */
export function least(root: Schema, given: Schema): unknown {
  const schema = resolved(root, given);
  if (schema.const !== undefined) return schema.const;
  const field = fieldOf(root, schema);
  switch (field.is) {
    case "choice":
      return field.options[0]?.value ?? "";
    case "number":
      return schema.minimum ?? 1;
    case "flag":
      return true;
    case "texts":
    case "list":
      return [];
    case "typed":
      return least(root, field.variants[0]?.schema ?? {});
    case "slot":
      return least(root, field.schema);
    case "pairs":
      return {};
    case "object":
    case "oneKey": {
      const all = (schema.required ?? []).map((key) => [
        key,
        least(root, schema.properties?.[key] ?? {}),
      ]);
      return Object.fromEntries(all);
    }
    default:
      return schema.properties || schema.type === "object" ? {} : "";
  }
}
