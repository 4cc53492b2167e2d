// What was typed into the matrix of variables and is not saved: pure functions, but for what keeps it in the tab.
import type { Schemas } from "../../api/client";
import { withValue } from "../editor/text";
import { typedOf } from "./matrix";

type View = Pick<Schemas["AssetView"], "path" | "text">;

/** What was typed into a cell, and what stood there when that was begun. Nothing typed takes the value out. */
export interface Draft {
  typed: string;
  stood: string;
}

/** By environment and by name. */
export type Drafts = Readonly<Record<string, Readonly<Record<string, Draft>>>>;

/** With one more; what is as it stands already is no draft. What was typed first says what it is based on. */
export function drafted(
  drafts: Drafts,
  path: string,
  name: string,
  typed: string,
  stands: string,
): Drafts {
  const { [name]: before, ...others } = drafts[path] ?? {};
  const stood = before?.stood ?? stands;
  return put(drafts, path, typed === stands ? others : { ...others, [name]: { typed, stood } });
}

/** What was typed is meant, although somebody else wrote `stands` meanwhile. */
export function meant(drafts: Drafts, path: string, name: string, stands: string): Drafts {
  const { [name]: before, ...others } = drafts[path] ?? {};
  return before ? put(drafts, path, { ...others, [name]: { ...before, stood: stands } }) : drafts;
}

/**
 * What was `sent` of one environment stands there now. Who typed on meanwhile has that still to save: it is based on what
 * was sent, and so is a cell that was typed back to what it was before.
 */
export function stored(drafts: Drafts, path: string, sent: Drafts[string]): Drafts {
  const now = { ...drafts[path] };
  for (const [name, { typed, stood }] of Object.entries(sent)) {
    const stands = standing(typedOf(typed));
    const { typed: later } = now[name] ?? { typed: stood };
    if (later === typed || later === stands) delete now[name];
    else now[name] = { typed: later, stood: stands };
  }
  return put(drafts, path, now);
}

function put(drafts: Drafts, path: string, now: Drafts[string]): Drafts {
  const { [path]: __, ...rest } = drafts;
  return Object.keys(now).length === 0 ? rest : { ...rest, [path]: now };
}

/** What a cell shows that holds this value. */
export const standing = (value: unknown) => (value == null ? "" : String(value));

/** The names in which somebody else wrote another value since it was typed. Nothing is saved over these unasked. */
export const contested = (
  drafts: Drafts,
  path: string,
  values: Readonly<Record<string, unknown>>,
) =>
  Object.entries(drafts[path] ?? {}).flatMap(([name, { typed, stood }]) => {
    const now = standing(values[name]);
    return now !== stood && now !== typed ? [name] : [];
  });

export const countOf = (drafts: Drafts): number =>
  Object.values(drafts).reduce((sum, it) => sum + Object.keys(it).length, 0);

/** The text of an environment with what was typed. */
export const applied = ({ text, path }: View, drafts: Drafts): string =>
  Object.entries(drafts[path] ?? {}).reduce(
    (now, [name, { typed }]) =>
      withValue(now, ["spec", "values", name], typed === "" ? undefined : typedOf(typed)),
    text,
  );

const key = (project: string) => `weir.values.2.${project}`;

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
