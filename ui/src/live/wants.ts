// What the tabs of a browser want to follow, as the one of them knows it that holds the stream.

/** A tab in the background is slow to say that it is there; one that is gone said so, or is forgotten. */
const FORGOTTEN_MS = 150_000;

export class Wants {
  #tabs = new Map<string, { topics: ReadonlySet<string>; at: number }>();

  /** Returns the topics that the tab did not want before: it must be told how they stand. */
  take(tab: string, topics: readonly string[], at: number): string[] {
    const before = this.#tabs.get(tab)?.topics;
    this.#tabs.set(tab, { topics: new Set(topics), at });
    return topics.filter((it) => !before?.has(it));
  }

  drop(tab: string): void {
    this.#tabs.delete(tab);
  }

  /** All that is wanted by tabs that are there. */
  all(now: number): Set<string> {
    for (const [tab, it] of this.#tabs) if (now - it.at > FORGOTTEN_MS) this.#tabs.delete(tab);
    return new Set([...this.#tabs.values()].flatMap((it) => [...it.topics]));
  }
}
