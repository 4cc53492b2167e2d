// The newest lines of a log, each once, with marks where something is missing.
//
// - L1: at most `ROWS_MAX` rows are kept, and a few more; the oldest go first. Older ones that somebody asked for are
//   kept beyond that, up to `ASKED_MAX`.
// - L2: a line is known by its node, the life of its process and its number: one that comes again, after a
//   connection broke off, is left out.
import type { Schemas } from "../../api/client";

export type Entry = Schemas["LogEntry"];
export type Told = Schemas["LogTail"];

export type Row =
  | { kind: "line"; key: string; line: Entry }
  | { kind: "mark"; key: string; text: string; isBad: boolean };

export const ROWS_MAX = 10_000;
const ASKED_MAX = 100_000;

const whose = (it: Entry) => `${it.node ?? ""} ${it.life}`;
export const rowOf = (line: Entry): Row => ({
  kind: "line",
  key: `${whose(line)} ${line.number}`,
  line,
});

/** Before which moment lines are asked for: a line of the same moment may be missing. */
export function before(rows: readonly Row[], newest: number): string | undefined {
  const oldest = rows.reduce(
    (min, it) => (it.kind === "line" ? Math.min(min, Date.parse(it.line.at)) : min),
    Number.POSITIVE_INFINITY,
  );
  const at = Number.isFinite(oldest) ? oldest : newest;
  return at ? new Date(at + 1).toISOString() : undefined;
}

/** Those of a page, which has the newest first, that are not shown, in the order in which they were logged. */
export function unseen(page: readonly Entry[], rows: readonly Row[]): Row[] {
  const known = new Set(rows.map((it) => it.key));
  return page
    .map(rowOf)
    .filter((it) => !known.has(it.key))
    .reverse();
}

/** Rows, and what of them was seen. A pure value but for its growing. */
export class Lines {
  rows: Row[] = [];
  total = 0;
  newest = 0;
  #numbers = new Map<string, number>();
  #max = ROWS_MAX;

  take(told: Told): void {
    const of = "node" in told && told.node ? `${told.node}: ` : "";
    if (told.type === "lines") this.#lines(told.lines);
    else if (told.type === "missed")
      this.mark(`${of}${told.count} lines were forgotten before they could be shown`, true);
    else if (told.type === "lost") this.mark(`${of}gives no answer: ${told.why}`, true);
    else if (told.type === "followed") this.mark(`${of}followed`, false);
  }

  mark(text: string, isBad: boolean): void {
    this.#push({ kind: "mark", key: `mark ${this.total}`, text, isBad });
  }

  /** Puts older rows before those that there are. */
  prepend(older: readonly Row[]): void {
    const known = new Set(this.rows.map((it) => it.key));
    const fresh = older.filter((it) => !known.has(it.key));
    this.#max = Math.min(Math.max(this.#max, this.rows.length) + fresh.length, ASKED_MAX);
    this.rows = [...fresh, ...this.rows];
    for (const it of fresh) if (it.kind === "line") this.#note(it.line);
  }

  clear(): void {
    this.rows = [];
    this.#max = ROWS_MAX;
  }

  #note(line: Entry): void {
    const owner = whose(line);
    this.#numbers.set(owner, Math.max(line.number, this.#numbers.get(owner) ?? 0));
    this.newest = Math.max(this.newest, Date.parse(line.at));
  }

  #lines(lines: readonly Entry[]): void {
    const fresh = lines.filter((it) => it.number > (this.#numbers.get(whose(it)) ?? 0));
    for (const line of fresh) {
      this.#note(line);
      this.#push(rowOf(line));
    }
  }

  #push(row: Row): void {
    this.rows.push(row);
    this.total += 1;
    // Now and then, so that each row does not move all others.
    if (this.rows.length > this.#max + 500) this.rows.splice(0, this.rows.length - this.#max);
  }
}
