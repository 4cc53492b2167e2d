// Which fields a record may have when it comes to a stage: as far as the workflow's text and its formats tell. For
// completion alone: what is there for sure is for the server to say. Pure functions.

type Keyed = Record<string, unknown>;
const keyed = (value: unknown): Keyed =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Keyed) : {};
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const names = (value: unknown): string[] =>
  list(value).flatMap((it) => {
    const { name } = keyed(it);
    return typeof name === "string" ? [name] : [];
  });

/** What assets say that a source names, or its format: by kind and name. */
export type Lookup = (kind: "Source" | "Format", name: string) => unknown;

export function fieldsBefore(spec: unknown, stage: string, lookup: Lookup): string[] {
  const stages = new Map(
    list(keyed(spec).stages).map((it) => [String(keyed(it).name ?? ""), keyed(it)]),
  );
  const seen = new Set<string>();
  const after = (name: string): string[] => {
    const it = stages.get(name);
    if (!it || seen.has(name)) return [];
    seen.add(name);
    if (it.source !== undefined) return ofSource(it.source, lookup);
    return processed(it.processor, before(it));
  };
  const before = (it: Keyed): string[] =>
    [it.from].flat().flatMap((from) => {
      const said = String(from ?? "");
      // A port may stand behind the stage's name.
      return stages.has(said) ? after(said) : after(said.replace(/\.[^.]*$/, ""));
    });
  const it = stages.get(stage);
  return it ? [...new Set(before(it))] : [];
}

export interface Named {
  kind: "Source" | "Format";
  name: string;
}

/** The assets that matter to what comes to a stage; formats that sources name once those are known to `lookup`. */
export function namedBefore(spec: unknown, stage: string, lookup: Lookup): Named[] {
  const all = new Map<string, Named>();
  fieldsBefore(spec, stage, (kind, name) => {
    all.set(`${kind}/${name}`, { kind, name });
    return lookup(kind, name);
  });
  return [...all.values()];
}

function ofSource(slot: unknown, lookup: Lookup): string[] {
  const source = typeof slot === "string" ? lookup("Source", slot) : slot;
  const [config] = Object.values(keyed(source));
  const { format, attributes, fields } = keyed(config);
  const said = typeof format === "string" ? lookup("Format", format) : format;
  return [...names(keyed(said).schema), ...names(attributes), ...names(fields)];
}

function processed(processor: unknown, before: string[]): string[] {
  const [[kind, config] = ["", {}]] = Object.entries(keyed(processor));
  const it = keyed(config);
  if (kind === "mapping") {
    const renamed = keyed(it.rename);
    const dropped = new Set(list(it.drop).map(String));
    const kept = it.mode === "select" ? list(it.keep).map(String) : before;
    const stays = kept.filter((name) => !dropped.has(name) && !(name in renamed));
    return [...stays, ...Object.values(renamed).map(String), ...Object.keys(keyed(it.set))];
  }
  if (kind === "javascript") {
    const ports = Object.values(keyed(it.outputs)).map(keyed);
    return [...before, ...ports.flatMap(({ add, schema }) => [...names(add), ...names(schema)])];
  }
  if (kind === "aggregate") return [...list(it.key).map(String), ...names(it.values)];
  return before;
}
