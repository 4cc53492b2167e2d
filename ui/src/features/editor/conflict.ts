// Two changed an asset: what each of them meant, and one text with what was chosen. Pure functions.
import type { Schemas } from "../../api/client";
import { type Path, parsed, pathOf, type Step, valueAt, withValue } from "./text";

export type Conflict = Schemas["AssetConflict"];
export type Side = "yours" | "theirs";

/** Both changes in one text; a field that both changed is as `choices` says, by path. Nothing where a text is
 *  missing or can't be read: then one of them is chosen as a whole. */
export function resolved(
  it: Conflict,
  choices: Readonly<Record<string, Side>>,
): string | undefined {
  const { base, yours, theirs } = it;
  if (!theirs || typeof base !== "string" || typeof yours !== "string") return undefined;
  const all = [base, yours, theirs.text].map(parsed);
  if (all.some((one) => one.problem)) return undefined;
  const [was, , is] = all.map((one) => one.value);
  const fields = (it.fields ?? []).map((one) => ({ path: pathOf(one.path), of: one.path }));
  let text = yours;
  for (const path of differences(was, is)) {
    const field = fields.find((one) => begins(path, one.path) || begins(one.path, path));
    if (!field) text = withValue(text, path, valueAt(is, path));
  }
  for (const { path, of } of fields)
    if ((choices[of] ?? "yours") === "theirs") text = withValue(text, path, valueAt(is, path));
  return text;
}

const begins = (path: Path, start: Path) =>
  start.length <= path.length &&
  start.every((step, at) => JSON.stringify(step) === JSON.stringify(path[at]));

type Keyed = Record<string, unknown>;
const isKeyed = (it: unknown): it is Keyed =>
  typeof it === "object" && it !== null && !Array.isArray(it);
const named = (it: unknown): string[] | undefined => {
  if (!Array.isArray(it) || it.length === 0) return undefined;
  const names = it.map((one) => (isKeyed(one) && typeof one.name === "string" ? one.name : ""));
  return names.every((one, at) => one !== "" && names.indexOf(one) === at) ? names : undefined;
};

/** Where two values differ, as deep as that can be said; entries of lists by their names. */
export function differences(a: unknown, b: unknown, above: Path = []): Path[] {
  if (JSON.stringify(a) === JSON.stringify(b)) return [];
  const each = (steps: Step[]) =>
    steps.flatMap((step) => differences(valueAt(a, [step]), valueAt(b, [step]), [...above, step]));
  if (isKeyed(a) && isKeyed(b)) return each([...new Set([...Object.keys(a), ...Object.keys(b)])]);
  const [first, second] = [named(a), named(b)];
  if (first && second) return each([...new Set([...first, ...second])].map((name) => ({ name })));
  return [above];
}
