// What was counted in the last minutes, for charts and rates. The server sends totals; rates are made here.
//
// - H1: nothing is said of a time in which nobody followed: neither that it was still, nor that all of it came at once.
import type { Schemas } from "../api/client";
import { type Reading, withReading } from "./load";
import type { LiveStore } from "./store";

type Counts = Schemas["Counts"];

/** Totals at a moment. */
export interface Point {
  at: number;
  counts: Counts;
  /** From then on, until the next point, nobody followed. */
  seenUntil?: number;
}

const KEPT_MS = 10 * 60_000;
/** Streams end in bursts: a rate is that of this time. */
export const WINDOW_MS = 10_000;

export type Rates = Record<keyof Counts, number>;

const KEYS = [
  "recordsIn",
  "recordsOut",
  "bytesIn",
  "bytesOut",
  "deadLetters",
  "ignored",
  "dropped",
] as const satisfies (keyof Counts)[];

export const STILL = Object.fromEntries(KEYS.map((key) => [key, 0])) as Rates;

/**
 * Per second, over the window that ends at `until`. Nothing where nothing is known: what was looked at for less than
 * the window and stood still may have counted just before.
 */
export function rates(
  points: readonly Point[],
  until: number,
  windowMs = WINDOW_MS,
): Rates | undefined {
  const end = points.findLastIndex((it) => it.at <= until);
  const begin = until - windowMs;
  const last = points[end];
  let start = end;
  const isBegun = () =>
    start <= 0 || (points[start]?.at ?? 0) <= begin || isLost(points[start - 1]);
  while (!isBegun()) start -= 1;
  const first = points[start];
  if (!last || !first) return undefined;
  if (KEYS.every((key) => last.counts[key] === first.counts[key]))
    return first.at > begin ? undefined : STILL;
  const seconds = Math.max((until - Math.max(first.at, begin)) / 1_000, 1);
  // An engine that was started again counts anew.
  const rate = (key: keyof Rates) => Math.max(0, last.counts[key] - first.counts[key]) / seconds;
  return Object.fromEntries(KEYS.map((key) => [key, rate(key)])) as Rates;
}

const isLost = (it: Point | undefined) => it?.seenUntil !== undefined;

/** Whether it was followed then, and a while before. */
export function isKnown(points: readonly Point[], time: number): boolean {
  const before = points.findLast((it) => it.at < time);
  return before !== undefined && time <= (before.seenUntil ?? time);
}

/** Points of a series by its name, `workflow` or `workflow/stage`. */
export class History {
  #series = new Map<string, Point[]>();
  #readings = new Map<string, readonly Reading[]>();
  #followed = new Map<string, () => void>();

  constructor(private readonly store: LiveStore) {
    store.listen("workflows", () => this.#takeWorkflows());
  }

  of(name: string): readonly Point[] {
    return this.#series.get(name) ?? [];
  }

  /** How a stage spends its time, by its name `workflow/stage`. */
  readings(name: string): readonly Reading[] {
    return this.#readings.get(name) ?? [];
  }

  /** The last that was told of a workflow whose stages are kept; nothing where none looks at them. */
  detail(workflow: string): Schemas["WorkflowDetail"] | undefined {
    const topic = `workflow:${workflow}` as const;
    return this.#followed.has(topic) ? this.store.get(topic).value : undefined;
  }

  /** Keeps what is counted by stage, from now on. */
  followStages(workflow: string): void {
    const topic = `workflow:${workflow}` as const;
    if (this.#followed.has(topic)) return;
    const take = () => {
      const { value, at } = this.store.get(topic);
      for (const { id, counts, time } of value?.stages ?? []) {
        const name = `${workflow}/${id}`;
        this.#add(name, at, counts);
        if (time && at !== undefined)
          this.#readings.set(name, withReading(this.readings(name), { at, time }));
      }
    };
    this.#followed.set(topic, this.store.listen(topic, take));
    take();
  }

  /** The topic is followed no more, for now; none: nothing is. */
  interrupted(topic: string | undefined, at: number): void {
    const [, workflow] = topic?.match(/^workflow:(.*)$/) ?? [];
    const isMeant = (name: string) =>
      topic === undefined ||
      (topic === "workflows" && !name.includes("/")) ||
      (workflow !== undefined && name.startsWith(`${workflow}/`));
    for (const name of this.#series.keys()) if (isMeant(name)) this.#lose(name, at);
  }

  #lose(name: string, at: number): void {
    const last = this.#series.get(name)?.at(-1);
    if (last) last.seenUntil ??= Math.max(at, last.at);
  }

  #takeWorkflows(): void {
    const { value, at } = this.store.get("workflows");
    for (const it of value?.items ?? []) {
      // The sum is not of all engines: what they counted would seem to come in a moment later.
      if (!it.unreached?.length) this.#add(it.name, at, it.counts);
      else this.#lose(it.name, at ?? 0);
    }
  }

  #add(name: string, at: number | undefined, counts: Counts): void {
    if (at === undefined) return;
    const points = this.#series.get(name) ?? [];
    if (points.at(-1)?.at === at) return;
    points.push({ at, counts });
    while ((points[0]?.at ?? at) < at - KEPT_MS) points.shift();
    this.#series.set(name, points);
  }
}
