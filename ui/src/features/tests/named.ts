// What a workflow names, so that a test of it can say what stands for that: values of environments, and secrets. What it
// names by the assets that it uses counts, and what they extend.
import { parsed, valueAt } from "../editor/text";
import type { Asset } from "../projects/projects";

export type Values = Record<string, unknown>;

/** What has secrets by itself, or has none. */
const NOT_USED = ["Environment", "Project", "Secret", "Test"];

/** What is asked of the project: an asset's spec with all that it extends. */
export type SpecOf = (path: string) => Promise<unknown>;

interface Asked {
  assets: readonly Asset[];
  specOf: SpecOf;
}

/** The values of environments, in the order in which they take effect: the project's, and those named behind them. */
export async function valuesOf({ assets, specOf }: Asked, more: readonly string[]) {
  const project = assets.find((it) => it.kind === "Project");
  const own = project ? valueAt(await specOf(project.path), ["environments"]) : undefined;
  const names = [own ?? []].flat();
  const valued = async (all: readonly unknown[]): Promise<Values> => {
    const found = assets.filter((it) => it.kind === "Environment");
    const paths = all.flatMap((name) => found.find((it) => it.name === name)?.path ?? []);
    const specs = await Promise.all(paths.map(specOf));
    return Object.assign({}, ...specs.map((it) => valueAt(it, ["values"]) ?? {}));
  };
  const [before, chosen] = await Promise.all([valued(names), valued(more)]);
  return { all: { ...before, ...chosen }, chosen };
}

/** The secrets that a workflow of this text needs. One that it has no use for after all does no harm. */
export async function secretsOf({ assets, specOf }: Asked, text: string, values: Values) {
  const { value } = parsed(text);
  const names = new Set<string>();
  const read = new Set<string>();
  let open: unknown[] = [valueAt(value, ["spec"]), valueAt(value, ["metadata", "extends"])];
  while (open.length > 0) {
    const texts = new Set(open.flatMap((it) => textsOf(it, values)));
    for (const it of texts) for (const name of secretsIn(it)) names.add(name);
    const used = assets.filter(
      ({ kind, name, path }) =>
        kind && name && texts.has(name) && !NOT_USED.includes(kind) && !read.has(path),
    );
    for (const { path } of used) read.add(path);
    open = await Promise.all(used.map(({ path }) => specOf(path)));
  }
  return [...names].sort();
}

/** `$${sec:` stands for the text itself. */
const secretsIn = (text: string) =>
  Array.from(text.matchAll(/(?<!\$)\$\{sec:([^}]+)\}/g), ([, name]) => name ?? "");

/** All texts in a value, with what the environments make of them. */
function textsOf(value: unknown, values: Values): string[] {
  if (typeof value === "string") {
    const put = (all: string, name: string) => (name in values ? String(values[name]) : all);
    return [value.replace(/(?<!\$)\$\{env:([^}]+)\}/g, put)];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap((it) => textsOf(it, values));
}
