// Streams out of what was read once, what was followed, and what is followed one by one: plain functions.
import type { Schemas } from "../../api/client";

export type Stream = Schemas["StreamSummary"];

/** What a page keeps of the streams that came while it was open. */
const KEPT_MAX = 10_000;

export const isOver = (it: Stream) => it.closedAt !== null && it.closedAt !== undefined;

/** Each stream once, as it was told last, newest first: ids grow with time. */
export function merged(...all: readonly (readonly Stream[])[]): Stream[] {
  const byId = new Map<string, Stream>();
  for (const rows of all) for (const it of rows) byId.set(it.id, it);
  return [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
}

/** What came by, with those of it that the newest ones pushed out of the list. */
export function passed(before: readonly Stream[], newest: readonly Stream[]): readonly Stream[] {
  return merged(before, newest).slice(0, KEPT_MAX);
}

/** Whether streams came of which none was seen: the list holds none any more of those that it had. */
export function isGap(before: readonly Stream[], newest: readonly Stream[]): boolean {
  const had = new Set(before.map((it) => it.id));
  return had.size > 0 && newest.length > 0 && !newest.some((it) => had.has(it.id));
}

/** Streams that may go on and that the list of the newest tells nothing of any more. */
export function left(rows: readonly Stream[], newest: readonly Stream[]): Stream[] {
  const told = new Set(newest.map((it) => it.id));
  return rows.filter((it) => !isOver(it) && !told.has(it.id));
}
