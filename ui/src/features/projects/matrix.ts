// Variables by environment, and secrets by asset: pure functions of the texts.
import type { Schemas } from "../../api/client";
import { edited, listAt, parsed, valueAt } from "../editor/text";

type View = Pick<Schemas["AssetView"], "path" | "name" | "kind" | "text">;

export interface Column {
  path: string;
  name: string;
  /** When the project takes it in; later ones win. Absent where it does not. */
  order: number | undefined;
  values: Record<string, unknown>;
}

export interface Cell {
  column: Column;
  value: string;
  /** Nothing that the project uses defines it. */
  isMissing: boolean;
  /** Of several values this is the one. */
  isEffective: boolean;
}

export type Valued = "Environment" | "Secret";
/** Where the project names those that it uses. */
const USED = { Environment: ["spec", "environments"], Secret: ["spec", "secrets"] } as const;

export function matrix(views: readonly View[], kind: Valued): Column[] {
  const project = parsed(views.find((it) => it.kind === "Project")?.text ?? "").value;
  const used = [valueAt(project, USED[kind])].flat();
  const columns = views.flatMap((it) => {
    if (it.kind !== kind) return [];
    const values = valueAt(parsed(it.text).value, ["spec", "values"]);
    const at = used.indexOf(it.name ?? "");
    const order = at < 0 ? undefined : at;
    return [{ path: it.path, name: it.name ?? it.path, order, values: { ...(values as object) } }];
  });
  return columns.sort(
    (a, b) => (a.order ?? 1e6) - (b.order ?? 1e6) || a.name.localeCompare(b.name),
  );
}

/** The text of `project.yaml` with one more that it uses, the last; the same where it uses it already. */
export const using = (text: string, kind: Valued, name: string): string =>
  [valueAt(parsed(text).value, USED[kind])].flat().includes(name)
    ? text
    : edited(text, (document) => listAt(document, USED[kind])?.add(document.createNode(name)));

export function cellsOf(columns: readonly Column[], name: string): Cell[] {
  const used = columns.filter((it) => it.order !== undefined && it.values[name] !== undefined);
  const last = used.at(-1);
  return columns.map((column) => {
    const value = column.values[name];
    return {
      column,
      value: value === undefined || value === null ? "" : String(value),
      isMissing: used.length === 0 && column.order !== undefined && value === undefined,
      isEffective: used.length > 1 && column === last,
    };
  });
}

/** What is typed as a number or a flag is one. */
export function typedOf(typed: string): string | number | boolean {
  if (typed === "true" || typed === "false") return typed === "true";
  return /^-?\d{1,15}(\.\d+)?$/.test(typed) ? +typed : typed;
}
