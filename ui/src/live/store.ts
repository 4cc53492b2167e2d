// What is followed, outside of React: components read one topic each, and draw again when that changes.
import type { Problem } from "../api/problem";
import { type Change, type Shown, type Topic, withRows } from "./topics";

export interface Standing<T> {
  /** Absent: nothing came yet, or it is refused. */
  value?: T;
  /** When it was so, by the server's clock. */
  at?: number;
  problem?: Problem;
}

const NOTHING: Standing<never> = {};

export class LiveStore {
  #standings = new Map<string, Standing<unknown>>();
  #listeners = new Map<string, Set<() => void>>();

  get<T extends Topic>(topic: T): Standing<Shown<T>> {
    return (this.#standings.get(topic) ?? NOTHING) as Standing<Shown<T>>;
  }

  /** Calls `tell` when the topic changes, until the returned function is called. */
  listen(topic: string, tell: () => void): () => void {
    const all = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, all.add(tell));
    return () => all.delete(tell);
  }

  take(topic: string, at: number, change: Change): void {
    const before = this.#standings.get(topic) ?? NOTHING;
    this.#standings.set(topic, after(topic, before, at, change));
    for (const tell of this.#listeners.get(topic) ?? []) tell();
  }

  /** Takes over how another tab knows it. */
  put(topic: string, standing: Standing<unknown>): void {
    this.#standings.set(topic, standing);
    for (const tell of this.#listeners.get(topic) ?? []) tell();
  }

  /** How it stands; nothing where nothing came yet. */
  peek(topic: string): Standing<unknown> | undefined {
    return this.#standings.get(topic);
  }

  /** Forgets all: somebody else looks at the page now. */
  clear(): void {
    this.#standings.clear();
    for (const all of this.#listeners.values()) for (const tell of all) tell();
  }
}

function after(
  topic: string,
  before: Standing<unknown>,
  at: number,
  change: Change,
): Standing<unknown> {
  switch (change.type) {
    case "whole":
      return { value: change.value, at };
    case "rows":
      // Differences from something that this page does not have say nothing.
      return before.value === undefined
        ? before
        : { value: withRows(topic, before.value, change), at };
    case "same":
      return { value: before.value, at };
    case "refused":
      // What was shown stays where the one who knows does not answer, and while whoever saw it logs in
      // again; not where it may not be seen.
      return change.problem.status >= 500 || change.problem.status === 401
        ? { ...before, problem: change.problem }
        : { problem: change.problem };
  }
}
