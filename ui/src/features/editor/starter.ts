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

/** What nearly everybody sets, although it need not be: the schemas say what must be, and no more. */
const COMMON: Record<string, readonly string[]> = {
  "cases.*": ["input", "expect"],
  "source.file": ["glob", "done", "error"],
  "source.generator": ["rate"],
  "source.http": ["paths"],
  "source.httpPoll": ["records"],
  "source.kafka": ["topics", "group"],
  "source.nats": ["stream", "subject"],
  "source.objects": ["prefix", "glob", "done", "error"],
  "source.sql": ["table", "query", "interval"],
  "source.tail": ["glob"],
  "source.tcp": ["listen"],
  "processor.aggregate": ["key", "emit"],
  "processor.boundary": ["records", "within"],
  "processor.enrich": ["table", "query"],
  "processor.filterRoute": ["otherwise"],
  "processor.javascript": ["outputs"],
  "processor.throttle": ["per"],
  "sink.file": ["onExisting"],
  "sink.kafka": ["topic", "key"],
  "sink.nats": ["subject"],
  "sink.objects": ["prefix"],
  "sink.sql": ["mode", "key", "columns"],
};
/** What the first of several named ones is mostly called. */
export const FIRST: Record<string, string> = { outputs: "out" };
/** Fewer than this are not worth a fold, which takes the room of one. */
const FOLDED_FROM = 3;
/** Of what needs nothing, as many are shown: an empty form says nothing. */
const SHOWN_MOST = 6;

/** Which fields of an object are shown before one asks for more: a pure function of the schema and what is set. */
export function atOnce(
  schema: Schema,
  path: readonly unknown[],
  set: readonly string[],
  without: readonly string[] = [],
): string[] {
  const all = Object.keys(schema.properties ?? {}).filter((it) => !without.includes(it));
  const at = path.slice(-2).map((it) => (typeof it === "number" ? "*" : it));
  const common = COMMON[at.join(".")] ?? [];
  const wanted = [...(schema.required ?? []), ...set, ...common];
  const shown = all.filter((it) => wanted.includes(it));
  const isSmall = all.length - shown.length < FOLDED_FROM;
  const isEmpty = shown.length === 0 && all.length <= SHOWN_MOST;
  return isSmall || isEmpty ? all : shown;
}

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
    case "named":
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
