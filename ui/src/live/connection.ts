// One stream of events for all that the page shows. It is opened anew when something else is wanted, and
// when it breaks off; each time it says what it has, so that only what is other is sent.
import { token } from "../api/token";
import { parser } from "./sse";
import type { LiveStore } from "./store";
import type { Change } from "./topics";

export type Contact = "connecting" | "live" | "lost" | "refused" | "paused";

export interface Link {
  contact: Contact;
  /** When the server was heard last, by this browser's clock. */
  heardAt: number;
}

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

  constructor(
    private readonly store: LiveStore,
    private readonly onUnknown: () => void,
  ) {}

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
      this.#abort?.abort();
      this.#tell("paused");
    } else {
      this.again();
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
    else this.#wanted.delete(topic);
  }

  /** Components mount one after the other: what they want is asked for together. */
  #plan(after = 30): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#follow(), after);
  }

  async #follow(): Promise<void> {
    const topics = [...this.#wanted.keys()].sort();
    const wanted = topics.join(",");
    const isCovered = topics.every((it) => this.#open.split(",").includes(it));
    if (this.#isPaused || wanted === "" || isCovered) return;
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#open = wanted;
    if (this.#link.contact !== "live") this.#tell("connecting");
    const silence = { timer: setTimeout(() => abort.abort(), SILENCE_MS) };
    const heard = () => {
      clearTimeout(silence.timer);
      silence.timer = setTimeout(() => abort.abort(), SILENCE_MS);
      this.#attempts = 0;
      this.#tell("live");
    };
    const isRefused = await this.#read(wanted, abort.signal, heard).catch(() => false);
    clearTimeout(silence.timer);
    if (this.#abort !== abort || this.#isPaused) return;
    this.#open = "";
    this.#tell(isRefused ? "refused" : "lost");
    this.#plan(RETRY_MS[Math.min(this.#attempts++, RETRY_MS.length - 1)]);
  }

  /** Reads to the end; says whether the server refused. */
  async #read(topics: string, signal: AbortSignal, heard: () => void): Promise<boolean> {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    const session = token();
    if (session) headers.authorization = `Bearer ${session}`;
    if (this.#last) headers["last-event-id"] = this.#last;
    const query = new URLSearchParams({ topics });
    const response = await fetch(`/api/v1/live?${query}`, { headers, signal, cache: "no-store" });
    if (!response.ok || !response.body) return true;
    heard();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const events = parser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return false;
      heard();
      for (const event of events.push(value)) this.#take(event.id, event.data);
    }
  }

  #take(id: string, data: string): void {
    const event = JSON.parse(data) as Change & { topic: string; at: string };
    // Who has nothing yet must not say otherwise.
    this.#last = id;
    if (event.type === "refused" && event.problem.status === 401) this.onUnknown();
    this.store.take(event.topic, Date.parse(event.at), event);
  }

  #tell(contact: Contact): void {
    this.#link = { contact, heardAt: contact === "live" ? Date.now() : this.#link.heardAt };
    for (const tell of this.#listeners) tell();
  }

  /** Nothing of what is kept holds for whoever looks now. */
  forget(): void {
    this.#last = "";
    this.store.clear();
    this.again();
  }
}
