// Which environment lacks which secret: a pure function of the texts. What an environment's values name is needed
// where it is used; what other assets name is needed in each.
import type { Column } from "./matrix";

export interface Need {
  environment: Column;
  /** Absent: nothing there names it. */
  by: readonly string[];
  state: "has" | "unused" | "lacks" | "none";
  /** The asset that has it. */
  from: Column | undefined;
}

export function needsOf(
  name: string,
  environments: readonly Column[],
  secrets: readonly Column[],
  uses: ReadonlyMap<string, readonly string[]>,
): Need[] {
  const paths = new Set(environments.map((it) => it.path));
  const having = secrets.filter((it) => it.values[name] !== undefined);
  // Of several that the project uses, the last one takes effect.
  const from = having.filter((it) => it.order !== undefined).at(-1) ?? having[0];
  return environments.map((environment) => {
    const by = (uses.get(name) ?? []).filter((it) => it === environment.path || !paths.has(it));
    if (by.length === 0) return { environment, by, state: "none", from };
    const state = !from ? "lacks" : from.order === undefined ? "unused" : "has";
    return { environment, by, state, from };
  });
}
