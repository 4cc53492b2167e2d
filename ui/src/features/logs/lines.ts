// The newest lines of a log, each once, with marks where something is missing.
//
// - L1: at most `ROWS_MAX` rows are kept, and a few more; the oldest go first.
// - L2: a line is known by its node, the life of its process and its number: one that comes again, after a
//   connection broke off, is left out.
import type { Schemas } from "../../api/client";

export type Entry = Schemas["LogEntry"];
export type Told = Schemas["LogTail"];

export type Row =
  | { kind: "line"; key: string; line: Entry }
  | { kind: "mark"; key: string; text: string; isBad: boolean };

export const ROWS_MAX = 10_000;

/** Rows, and what of them was seen. A pure value but for its growing. */
export class Lines {
  rows: Row[] = [];
  total = 0;
  newest = 0;
  #numbers = new Map<string, number>();

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

  #lines(lines: readonly Entry[]): void {
    const whose = (it: Entry) => `${it.node ?? ""} ${it.life}`;
    const fresh = lines.filter((it) => it.number > (this.#numbers.get(whose(it)) ?? 0));
    for (const line of fresh) {
      const owner = whose(line);
      this.#numbers.set(owner, Math.max(line.number, this.#numbers.get(owner) ?? 0));
      this.newest = Math.max(this.newest, Date.parse(line.at));
      this.#push({ kind: "line", key: `${owner} ${line.number}`, line });
    }
  }

  #push(row: Row): void {
    this.rows.push(row);
    this.total += 1;
    // Now and then, so that each row does not move all others.
    if (this.rows.length > ROWS_MAX + 500) this.rows.splice(0, this.rows.length - ROWS_MAX);
  }
}
