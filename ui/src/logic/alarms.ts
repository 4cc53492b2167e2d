// What was wrong while the page was open: raised when it is seen, cleared when it is seen to be gone.
import { type Known, SEEN_TOPICS, type Trouble, unsure } from "./health";

export interface Alarm {
  /** Tells alarms apart: the same trouble may come back. */
  number: number;
  trouble: Trouble;
  raisedAt: number;
  clearedAt?: number;
}

const KEPT = 500;

/** Alarms, newest first, after a look at what is wrong now. What can't be seen is not cleared. */
export function noted(
  before: readonly Alarm[],
  known: Known,
  now: readonly Trouble[],
  at: number,
): readonly Alarm[] {
  const isSeen =
    SEEN_TOPICS.every((it) => known[it]) && !known.unseen?.length && unsure(known).length === 0;
  const open = new Map(now.map((it) => [it.id, it]));
  const after = before.map((it) => {
    if (it.clearedAt !== undefined) return it;
    const still = open.get(it.trouble.id);
    open.delete(it.trouble.id);
    if (!still) return isSeen ? { ...it, clearedAt: at } : it;
    return { ...it, trouble: still };
  });
  const last = before[0]?.number ?? 0;
  const raised = [...open.values()].map((trouble, index) => ({
    number: last + index + 1,
    trouble,
    raisedAt: trouble.since ?? at,
  }));
  return [...raised.reverse(), ...after].slice(0, KEPT);
}
