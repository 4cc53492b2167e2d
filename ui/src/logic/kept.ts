// Lists that are made anew with each change, of which most is as it was: pure functions. A graph draws again what is
// another object, so what has not changed has to stay the same one.

/** The list as wanted, in which each that `isSame` as the one of its id before is that one; all of it, where all are. */
export function kept<T extends { id: string }>(
  before: T[],
  wanted: readonly T[],
  isSame: (before: T, wanted: T) => boolean,
): T[] {
  const known = new Map(before.map((it) => [it.id, it]));
  const now = wanted.map((it) => {
    const was = known.get(it.id);
    return was && isSame(was, it) ? was : it;
  });
  const isAll = now.length === before.length && now.every((it, at) => it === before[at]);
  return isAll ? before : now;
}
