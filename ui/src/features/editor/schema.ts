// The JSON Schemas of assets as forms need them. They are those of this build, which the server that serves the
// page was built with; each kind is read when somebody edits one.

export interface Schema {
  title?: string;
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  patternProperties?: Record<string, Schema>;
  minProperties?: number;
  maxProperties?: number;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  if?: unknown;
  else?: { properties?: Record<string, Schema> };
}

export const KINDS = [
  "Workflow",
  "Snippet",
  "Source",
  "Sink",
  "Format",
  "Environment",
  "Secret",
  "Test",
  "Project",
] as const;
export type Kind = (typeof KINDS)[number];

const files = import.meta.glob<Schema>("../../../../schemas/json/*.schema.json", {
  import: "default",
});

export function isKind(kind: string | null | undefined): kind is Kind {
  return KINDS.includes(kind as Kind);
}

/** What has stages. */
export const isDrawn = (kind: string | null | undefined) =>
  kind === "Workflow" || kind === "Snippet";

export async function schemaOf(kind: Kind): Promise<Schema> {
  const read = files[`../../../../schemas/json/${kind.toLowerCase()}.schema.json`];
  if (!read) throw new Error(`there is no schema of ${kind}`);
  return read();
}

/** What the asset's `spec` is, also where another asset may say part of it. */
export function specOf(root: Schema): Schema {
  return root.else?.properties?.spec ?? root.properties?.spec ?? {};
}

/** What is behind a reference, with what is said beside it. */
export function resolved(root: Schema, schema: Schema): Schema {
  let at = schema;
  for (let steps = 0; at.$ref && steps < 16; steps++) {
    const { $ref, ...beside } = at;
    const target = root.$defs?.[decodeURIComponent($ref.replace("#/$defs/", ""))] ?? {};
    at = { ...target, ...beside };
  }
  return at;
}

export interface Option {
  value: string;
  description?: string;
}

/** How a value is edited. */
export type Field =
  | { is: "text" | "number" | "flag" | "script" | "expression" }
  | { is: "choice"; options: Option[] }
  /** The name of an asset of a kind, and nothing else. */
  | { is: "name"; kind: Kind }
  | { is: "texts" }
  | { is: "pairs"; of: Schema }
  /** What has a name of its own each, and more than one value. */
  | { is: "named"; of: Schema }
  | { is: "object"; schema: Schema }
  | { is: "list"; of: Schema }
  /** The name of an asset of a kind, or the same written in its place. */
  | { is: "slot"; kind: Kind; schema: Schema }
  /** One key out of several, each with a configuration of its own. */
  | { is: "oneKey"; schema: Schema }
  /** A `type` that decides which other keys there are. */
  | { is: "typed"; variants: { type: string; schema: Schema }[] }
  /** Too various for a form. */
  | { is: "code" };

/** What is named where a schema asks for such a name. */
const NAMES: Record<string, Kind> = { "#/$defs/WorkflowName": "Workflow" };

const types = (schema: Schema) => [schema.type ?? []].flat();
const KIND_NAMED = /^The name of an? (Source|Sink|Format) asset/;

/** What is written in SQL: an expression, or a query. */
export const isExpression = (it: Schema): boolean =>
  types(it).includes("string") && /^An? (SQL expression|SELECT)\b/.test(it.description ?? "");

/** A pure function of the schema: what a form shows for it. */
export function fieldOf(root: Schema, given: Schema): Field {
  const names = NAMES[given.$ref ?? ""];
  if (names) return { is: "name", kind: names };
  const schema = resolved(root, given);
  const options = choices(root, schema);
  if (options) return { is: "choice", options };
  const variants = typed(root, schema);
  if (variants) return { is: "typed", variants };
  const any = schema.anyOf?.map((it) => resolved(root, it));
  if (any) {
    const named = any.find((it) => KIND_NAMED.test(it.description ?? ""));
    const kind = KIND_NAMED.exec(named?.description ?? "")?.[1];
    const other = schema.anyOf?.find((it) => !KIND_NAMED.test(it.description ?? ""));
    if (isKind(kind) && other) return { is: "slot", kind, schema: resolved(root, other) };
    const isText = any.some((it) => types(it).includes("string"));
    const list = any.find((it) => it.items);
    if (isText && list?.items && isTextual(root, list.items)) return { is: "texts" };
    if (isText && any.some((it) => it.properties?.file)) return { is: "script" };
    if (any.some(isExpression)) return { is: "expression" };
    if (isText) return { is: "text" };
    return { is: "code" };
  }
  const all = types(schema);
  if (isExpression(schema)) return { is: "expression" };
  if (all.includes("boolean") && !all.includes("number")) return { is: "flag" };
  if (all.includes("integer") || (all.includes("number") && !all.includes("boolean")))
    return { is: "number" };
  if (all.includes("string")) return { is: "text" };
  if (schema.items)
    return isTextual(root, schema.items)
      ? { is: "texts" }
      : fieldOf(root, schema.items).is === "object"
        ? { is: "list", of: resolved(root, schema.items) }
        : { is: "code" };
  if (schema.properties)
    return schema.maxProperties === 1 && schema.minProperties === 1
      ? { is: "oneKey", schema }
      : { is: "object", schema };
  const open = anyKey(schema);
  if (!open) return { is: "code" };
  const of = resolved(root, open);
  if (isScalar(of) || of.anyOf?.every((it) => isScalar(resolved(root, it))))
    return { is: "pairs", of };
  return PARTS.has(fieldOf(root, of).is) ? { is: "named", of } : { is: "code" };
}

/** What has values of its own in it. */
const PARTS: ReadonlySet<Field["is"]> = new Set(["object", "oneKey", "typed", "list", "slot"]);
export const isPart = ({ is }: Field): boolean => PARTS.has(is) || is === "named";

/** What stands under a key that one may choose. */
function anyKey({ additionalProperties: other, patternProperties }: Schema): Schema | undefined {
  if (typeof other === "object") return other;
  const [only, ...more] = Object.values(patternProperties ?? {});
  return more.length === 0 ? only : undefined;
}

const isScalar = (it: Schema) =>
  types(it).length > 0 &&
  types(it).every((type) => ["string", "number", "integer", "boolean"].includes(type));

function isTextual(root: Schema, schema: Schema): boolean {
  const it = resolved(root, schema);
  return isScalar(it) && types(it).includes("string") && !choices(root, it);
}

/** All the values that one of is chosen, where it is such a thing. */
function choices(root: Schema, schema: Schema): Option[] | undefined {
  const found: Option[] = [];
  const visit = (given: Schema): boolean => {
    const it = resolved(root, given);
    const { description } = it;
    if (typeof it.const === "string") found.push({ value: it.const, description });
    else if (it.enum?.every((value) => typeof value === "string"))
      found.push(...it.enum.map((value) => ({ value: String(value) })));
    else if (it.oneOf || it.anyOf) {
      const all = [...(it.oneOf ?? []), ...(it.anyOf ?? [])];
      return all.every(visit);
    } else return it.pattern === "\\$\\{env:";
    return true;
  };
  return visit(schema) && found.length > 0 ? found : undefined;
}

function typed(root: Schema, schema: Schema) {
  const all = (schema.oneOf ?? []).map((it) => resolved(root, it));
  const named = all.flatMap((it) => {
    const type = it.properties?.type?.const;
    return typeof type === "string" ? [{ type, schema: it }] : [];
  });
  return named.length > 0 && named.length === all.length ? named : undefined;
}

/** The schema of what stands at a path, as far as that can be told; for completion and descriptions. */
export function schemaAt(
  root: Schema,
  path: readonly (string | number)[],
  value?: unknown,
): Schema[] {
  let now: Schema[] = [path[0] === "spec" ? { properties: { spec: specOf(root) } } : root];
  let at = value;
  for (const step of path) {
    const open = now.flatMap((it) => alternatives(root, it));
    const fitting = open.filter((it) => fits(it, at));
    now = (fitting.length > 0 ? fitting : open).flatMap((it) => below(it, step));
    at = typeof at === "object" && at !== null ? (at as Record<string, unknown>)[step] : undefined;
  }
  return now.flatMap((it) => alternatives(root, it)).filter((it) => fits(it, at));
}

function alternatives(root: Schema, schema: Schema): Schema[] {
  const it = resolved(root, schema);
  const all = [...(it.oneOf ?? []), ...(it.anyOf ?? [])];
  // `oneOf` may also say which keys go together: that is no alternative.
  const open = all.filter((one) => !(one.required && !one.properties));
  return open.length > 0 ? open.flatMap((one) => alternatives(root, one)) : [it];
}

function fits(schema: Schema, value: unknown): boolean {
  const type = schema.properties?.type?.const;
  const said = (value as { type?: unknown } | undefined)?.type;
  return type === undefined || said === undefined || type === said;
}

function below(schema: Schema, step: string | number): Schema[] {
  if (typeof step === "number") return schema.items ? [schema.items] : [];
  const known = schema.properties?.[step];
  if (known) return [known];
  return [anyKey(schema) ?? []].flat();
}
