// How the rows of a table are ordered and found: plain functions.

export type Sortable = string | number | undefined;

export interface Sorting {
  by: string;
  isDown: boolean;
}

export function sorted<T>(
  rows: readonly T[],
  value: ((row: T) => Sortable) | undefined,
  isDown: boolean,
): readonly T[] {
  if (!value) return rows;
  const sign = isDown ? -1 : 1;
  return rows
    .map((row) => ({ row, key: value(row) }))
    .sort((a, b) => compared(a.key, b.key, sign))
    .map((it) => it.row);
}

/** What has no value comes last, in both directions. */
function compared(a: Sortable, b: Sortable, sign: number): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b), "en", { numeric: true });
}

/** Whether a row's text has all words that were typed. */
export function matches(text: string, typed: string): boolean {
  const low = text.toLowerCase();
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => low.includes(word));
}

/** Where the keyboard goes next among `count` rows. */
export function moved(at: number, key: string, count: number, page = 10): number {
  const steps: Record<string, number> = {
    j: 1,
    ArrowDown: 1,
    k: -1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
  };
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  return Math.min(Math.max(at + (steps[key] ?? 0), 0), count - 1);
}

const slug = (name: string) => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "-");

/** The order of one table, as an address names those of all: `streams.-records,nodes.name`. */
export function sortingOf(address: string | undefined, name: string): Sorting | undefined {
  const head = `${slug(name)}.`;
  const said = address?.split(",").find((it) => it.startsWith(head));
  if (!said) return undefined;
  const by = said.slice(head.length);
  return by.startsWith("-") ? { by: by.slice(1), isDown: true } : { by, isDown: false };
}

export function withSorting(address: string | undefined, name: string, it: Sorting): string {
  const head = `${slug(name)}.`;
  const others = (address ?? "").split(",").filter((one) => one && !one.startsWith(head));
  return [...others, `${head}${it.isDown ? "-" : ""}${it.by}`].join(",");
}

/** Whether a list of an address names it, as `records-per-second,bytes`. */
export const isNamed = (address: string | undefined, name: string) =>
  address?.split(",").includes(slug(name)) ?? false;

export function toggled(address: string | undefined, name: string): string | undefined {
  const it = slug(name);
  const all = (address ?? "").split(",").filter(Boolean);
  return (all.includes(it) ? all.filter((one) => one !== it) : [...all, it]).join(",") || undefined;
}
