// How one text became another, line by line. Pure functions.

export interface Line {
  is: "same" | "added" | "removed" | "left out";
  text: string;
}

const KINDS: Record<string, string> = {
  string: "a text",
  number: "a number",
  boolean: "a flag",
  object: "a value",
};
function kindOf(it: unknown): string {
  if (it === "") return "an empty text";
  return (it === null ? undefined : KINDS[typeof it]) ?? "nothing";
}

/** How a value differs from another one that reads the same, line by line; nothing where it does not. */
export function subtle(before: unknown, after: unknown): string | undefined {
  if (typeof before !== typeof after) return `now ${kindOf(after)}, before ${kindOf(before)}`;
  if (typeof before !== "string" || typeof after !== "string" || before === after) return undefined;
  // The text is made of the same lines.
  return after.endsWith("\n") && !before.endsWith("\n")
    ? "now with a line break at its end"
    : "now without the line break at its end";
}

/** Longer ones are compared at their ends alone: the middle is one change. */
const CELLS_MAX = 1_000_000;

export function lineDiff(before: string, after: string): Line[] {
  const [a, b] = [linesOf(before), linesOf(after)];
  const room = Math.min(a.length, b.length);
  let start = 0;
  while (start < room && a[start] === b[start]) start++;
  let end = 0;
  while (end < room - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const [was, is] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const same = (text: string): Line => ({ is: "same", text });
  return [
    ...a.slice(0, start).map(same),
    ...between(was, is),
    ...a.slice(a.length - end).map(same),
  ];
}

const linesOf = (text: string) => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

/** By the longest lines that both have in the same order. */
function between(a: readonly string[], b: readonly string[]): Line[] {
  const removed = (text: string): Line => ({ is: "removed", text });
  const added = (text: string): Line => ({ is: "added", text });
  if (a.length * b.length > CELLS_MAX) return [...a.map(removed), ...b.map(added)];
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] =
        a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const found: Line[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [x, y] = [a[i], b[j]];
    if (x !== undefined && x === y) {
      found.push({ is: "same", text: x });
      i++;
      j++;
    } else if (x !== undefined && (y === undefined || at(i + 1, j) >= at(i, j + 1))) {
      found.push(removed(x));
      i++;
    } else {
      found.push(added(y ?? ""));
      j++;
    }
  }
  return found;
}

/** What is the same stands only near to what is not: so many lines of it. */
export function shortened(all: readonly Line[], around = 2): Line[] {
  const isNear = all.map((_, at) =>
    all.slice(Math.max(0, at - around), at + around + 1).some((it) => it.is !== "same"),
  );
  const found: Line[] = [];
  let out = 0;
  const close = () => {
    if (out > 0) found.push({ is: "left out", text: `${out} more the same` });
    out = 0;
  };
  all.forEach((it, at) => {
    if (!isNear[at]) {
      out++;
      return;
    }
    close();
    found.push(it);
  });
  close();
  return found;
}
