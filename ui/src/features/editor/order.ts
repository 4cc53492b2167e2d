// In which order the names of three lists come together, as the server does it. Plain functions.

type Names = readonly string[];

/** Whether names that both have follow each other differently. */
export function isMoved(one: Names, other: Names): boolean {
  const kept = one.filter((it) => other.includes(it));
  return other.filter((it) => one.includes(it)).some((it, at) => it !== kept[at]);
}

/** Whether it can't be told which order is meant: both have moved what was there, or added the same in two orders. */
export const isUnclear = (base: Names, own: Names, other: Names): boolean =>
  isMoved(own, other) && isMoved(base, own) === isMoved(base, other);

/** The order of the side that moved something, or of both where none did. Names that a side took out are among them. */
export function together(base: Names, own: Names, other: Names): string[] {
  if (isMoved(base, own)) return withAdded(own, other);
  if (isMoved(base, other)) return withAdded(other, own);
  const order = new Set<string>();
  const add = (name: string) => void order.add(name);
  for (const head of [undefined, ...base]) {
    if (head !== undefined) add(head);
    both(run(own, base, head), run(other, base, head), add);
  }
  return [...order];
}

/** What the second has besides stands behind what it follows there. */
function withAdded(first: Names, second: Names): string[] {
  const order = [...first];
  for (const [place, name] of second.entries()) {
    if (order.includes(name)) continue;
    const before = second.slice(0, place).findLast((it) => order.includes(it));
    order.splice(before === undefined ? 0 : order.indexOf(before) + 1, 0, name);
  }
  return order;
}

/** What a side added behind a name of the base, or before all of them. */
function run(side: Names, base: Names, head: string | undefined): Names {
  const start = head === undefined ? 0 : side.indexOf(head) + 1;
  if (head !== undefined && start === 0) return [];
  const end = side.findIndex((it, at) => at >= start && base.includes(it));
  return side.slice(start, end < 0 ? undefined : end);
}

/** Two runs, each in its order, the part that begins with the smaller name first; names that both have hold them together. */
function both(one: Names, other: Names, add: (name: string) => void): void {
  let [here, there] = [0, 0];
  for (;;) {
    const at = one.findIndex((it, place) => place >= here && other.indexOf(it) >= there);
    const shared = one[at];
    const until = shared === undefined ? other.length : other.indexOf(shared);
    const parts = [one.slice(here, at < 0 ? undefined : at), other.slice(there, until)];
    for (const name of parts.sort(([a = ""], [b = ""]) => (a < b ? -1 : a > b ? 1 : 0)).flat())
      add(name);
    if (shared === undefined) return;
    add(shared);
    [here, there] = [at + 1, until + 1];
  }
}
