// One stream of events for all that the tabs of a browser show. It is opened anew when something else is
// wanted, and when it breaks off; each time it says what it has, so that only what is other is sent.
import { place } from "../api/place";
import { type Problem, problemOf } from "../api/problem";
import { token } from "../api/token";
import { noteServerTime, serverNow } from "../logic/now";
import { Crowd } from "./crowd";
import type { Contact, Link } from "./link";
import { parser } from "./sse";
import type { LiveStore } from "./store";
import { type Message, Tabs } from "./tabs";
import type { Change } from "./topics";
import { Wants } from "./wants";

/** The server takes no more; it is far more than views show at a time. */
const TOPICS_MAX = 48;

/** Without a sign of life for so long, the server counts as gone: it gives one each 5 s. */
const SILENCE_MS = 12_000;
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000];
/** What is not shown any more is followed a while: who goes back and forth sees it at once. */
const LINGER_MS = 15_000;

export class LiveConnection {
  #wanted = new Map<string, number>();
  #open = "";
  #last = "";
  #abort: AbortController | undefined;
  #attempts = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #link: Link = { contact: "connecting", heardAt: 0 };
  #listeners = new Set<() => void>();
  #isPaused = false;
  #isResting = false;
  #others = new Wants();
  #crowd = new Crowd({
    has: () => this.#abort !== undefined,
    isHidden: () => globalThis.document?.visibilityState === "hidden",
    rest: () => this.#rest(),
  });
  #tabs = new Tabs({
    message: (it) => this.#hear(it),
    hold: () => this.again(),
    announce: () => this.#announce(),
  });

  constructor(
    private readonly store: LiveStore,
    private readonly onUnknown: () => void,
    /** What comes of the topic, or of all, does not follow on what was last. */
    private readonly onInterrupted: (topic: string | undefined) => void,
  ) {
    this.#tabs.join(token());
    globalThis.addEventListener?.("pagehide", () => this.#tabs.leave());
    globalThis.document?.addEventListener("visibilitychange", () => {
      if (!this.#isResting || document.visibilityState === "hidden") return;
      this.#isResting = false;
      if (!this.#isPaused) this.#tabs.join(token());
    });
    // A page that comes back from the browser's memory.
    globalThis.addEventListener?.("pageshow", (event) => {
      if (event.persisted) this.#tabs.join(token());
    });
  }

  /** Too many tabs have a stream, and this one can't be seen. */
  #rest(): void {
    if (this.#isPaused) return;
    this.#isResting = true;
    this.#tabs.leave();
    this.#close();
  }

  link = (): Link => this.#link;

  listen = (tell: () => void): (() => void) => {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  };

  /** Follows a topic until the returned function is called. */
  want(topic: string): () => void {
    this.#wanted.set(topic, (this.#wanted.get(topic) ?? 0) + 1);
    this.#plan();
    return () => setTimeout(() => this.#drop(topic), LINGER_MS);
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (isPaused) {
      // Another tab goes on.
      this.#tabs.leave();
      this.#close();
      this.#tell("paused");
    } else {
      this.#tell("connecting");
      this.#tabs.join(token());
    }
  }

  /** Opens the stream anew: somebody logged in, or wants it now. */
  again(): void {
    this.#open = "";
    this.#attempts = 0;
    this.#plan();
  }

  #drop(topic: string): void {
    const count = (this.#wanted.get(topic) ?? 1) - 1;
    if (count > 0) this.#wanted.set(topic, count);
    else {
      this.#wanted.delete(topic);
      this.onInterrupted(topic);
    }
  }

  /** Components mount one after the other: what they want is asked for together. */
  #plan(after = 30): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#follow(), after);
  }

  #close(): void {
    const open = this.#abort;
    this.#abort = undefined;
    open?.abort();
    this.#open = "";
  }

  #announce(): void {
    if (this.#tabs.holds || this.#isPaused) return;
    this.#tabs.post({ kind: "want", tab: this.#tabs.id, topics: [...this.#wanted.keys()] });
  }

  /** What another tab says. */
  #hear(it: Message): void {
    if (it.kind === "want" && this.#tabs.holds) {
      for (const topic of this.#others.take(it.tab, it.topics, Date.now())) {
        const standing = this.store.peek(topic);
        if (standing) this.#tabs.post({ kind: "standing", to: it.tab, topic, standing });
      }
      this.#tabs.post({ kind: "link", ...this.#link });
      this.#plan();
    } else if (it.kind === "bye") {
      this.#others.drop(it.tab);
    } else if (this.#tabs.holds || this.#isPaused) {
      return;
    } else if (it.kind === "begin") {
      this.#announce();
    } else if (it.kind === "link") {
      this.#tell(it.contact, it.problem);
    } else if (it.kind === "standing" && it.to === this.#tabs.id) {
      this.store.put(it.topic, it.standing);
    } else if (it.kind === "event") {
      noteServerTime(it.at);
      this.store.take(it.topic, it.at, it.change);
    }
  }

  async #follow(): Promise<void> {
    if (!this.#tabs.holds) {
      this.#announce();
      return;
    }
    const all = new Set([...this.#wanted.keys(), ...this.#others.all(Date.now())]);
    const topics = [...all].slice(0, TOPICS_MAX).sort();
    const wanted = topics.join(",");
    const isCovered = topics.every((it) => this.#open.split(",").includes(it));
    if (this.#isPaused || wanted === "" || isCovered) return;
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#open = wanted;
    // Why it was refused stands until it is answered.
    if (this.#link.contact !== "live") this.#tell("connecting", this.#link.problem);
    this.#crowd.opens();
    const silence = { timer: setTimeout(() => abort.abort(), SILENCE_MS) };
    const heard = () => {
      clearTimeout(silence.timer);
      silence.timer = setTimeout(() => abort.abort(), SILENCE_MS);
      this.#attempts = 0;
      this.#tell("live");
    };
    const refusal = await this.#read(wanted, abort.signal, heard).catch(() => undefined);
    clearTimeout(silence.timer);
    if (this.#abort !== abort || this.#isPaused) return;
    this.#open = "";
    if (refusal?.status === 401) this.onUnknown();
    this.#tell(refusal ? "refused" : "lost", refusal);
    this.#plan(RETRY_MS[Math.min(this.#attempts++, RETRY_MS.length - 1)]);
  }

  /** Reads to the end; returns why, where the server refused. */
  async #read(
    topics: string,
    signal: AbortSignal,
    heard: () => void,
  ): Promise<Problem | undefined> {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    const session = token();
    if (session) headers.authorization = `Bearer ${session}`;
    if (this.#last) headers["last-event-id"] = this.#last;
    const query = new URLSearchParams({ topics });
    const response = await fetch(`${place.asked("/api/v1/live")}?${query}`, {
      headers,
      signal,
      cache: "no-store",
    });
    if (!response.ok || !response.body)
      return problemOf(await response.json().catch(() => undefined), response.status);
    heard();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const events = parser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      heard();
      for (const event of events.push(value)) this.#take(event.id, event.data);
    }
  }

  #take(id: string, data: string): void {
    const event = JSON.parse(data) as Change & { topic: string; at: string };
    // Who has nothing yet must not say otherwise.
    this.#last = id;
    if (event.type === "refused" && event.problem.status === 401) this.onUnknown();
    const at = Date.parse(event.at);
    noteServerTime(at);
    this.store.take(event.topic, at, event);
    this.#tabs.post({ kind: "event", topic: event.topic, at, change: event });
  }

  #tell(contact: Contact, problem?: Problem): void {
    const heardAt = contact === "live" ? serverNow() : this.#link.heardAt;
    if (this.#link.contact === "live" && contact !== "live") this.onInterrupted(undefined);
    this.#link = { contact, heardAt, problem };
    if (this.#tabs.holds) this.#tabs.post({ kind: "link", contact, problem });
    for (const tell of this.#listeners) tell();
  }

  /** Another session of whoever looks: what is shown stays. */
  rejoin(): void {
    this.#close();
    this.#last = "";
    this.#tabs.join(token());
  }

  /** Nothing of what is kept holds for whoever looks now. */
  forget(): void {
    this.store.clear();
    this.rejoin();
  }
}
