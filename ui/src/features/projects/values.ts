// What was typed into the matrix of variables and is not saved: pure functions, but for what keeps it in the tab.
import type { Schemas } from "../../api/client";
import { withValue } from "../editor/text";
import { typedOf } from "./matrix";

type View = Pick<Schemas["AssetView"], "path" | "text">;

/** What was typed, by environment and by name. Nothing typed takes the value out. */
export type Drafts = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** With one more; what is as it stands already is no draft. */
export function drafted(
  drafts: Drafts,
  path: string,
  name: string,
  typed: string,
  stands: string,
): Drafts {
  const { [name]: _, ...others } = drafts[path] ?? {};
  const now = typed === stands ? others : { ...others, [name]: typed };
  const { [path]: __, ...rest } = drafts;
  return Object.keys(now).length === 0 ? rest : { ...rest, [path]: now };
}

export const countOf = (drafts: Drafts): number =>
  Object.values(drafts).reduce((sum, it) => sum + Object.keys(it).length, 0);

/** The text of an environment with what was typed. */
export const applied = ({ text, path }: View, drafts: Drafts): string =>
  Object.entries(drafts[path] ?? {}).reduce(
    (now, [name, typed]) =>
      withValue(now, ["spec", "values", name], typed === "" ? undefined : typedOf(typed)),
    text,
  );

const key = (project: string) => `weir.values.${project}`;

export function keptDrafts(project: string): Drafts {
  try {
    return JSON.parse(sessionStorage.getItem(key(project)) ?? "{}") as Drafts;
  } catch {
    return {};
  }
}

export function keepDrafts(project: string, drafts: Drafts): void {
  try {
    sessionStorage.setItem(key(project), JSON.stringify(drafts));
  } catch {
    // Without room they are kept as long as the view is shown.
  }
}
