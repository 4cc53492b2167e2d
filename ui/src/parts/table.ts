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
