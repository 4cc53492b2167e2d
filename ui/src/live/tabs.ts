// The tabs of a browser that show the same session share one stream: a lock says which of them holds it, and a
// channel carries what it hears to the others. Where the browser has no locks (a page that came over plain
// HTTP from another machine) each tab has a stream of its own.
import { place } from "../api/place";
import type { Problem } from "../api/problem";
import type { Contact } from "./link";
import type { Standing } from "./store";
import type { Change } from "./topics";

export type Message =
  | { kind: "want"; tab: string; topics: string[] }
  | { kind: "bye"; tab: string }
  /** A tab took the stream over: the others say again what they want. */
  | { kind: "begin" }
  | { kind: "standing"; to: string; topic: string; standing: Standing<unknown> }
  | { kind: "event"; topic: string; at: number; change: Change }
  | { kind: "link"; contact: Contact; problem?: Problem };

const ANNOUNCE_MS = 10_000;

export class Tabs {
  readonly id = Array.from(crypto.getRandomValues(new Uint32Array(2)), (it) =>
    it.toString(36),
  ).join("");
  #channel: BroadcastChannel | undefined;
  #leave: AbortController | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #holds = false;

  constructor(
    private readonly on: {
      message: (it: Message) => void;
      /** This tab holds the stream from now on. */
      hold: () => void;
      /** It is time to say what is wanted. */
      announce: () => void;
    },
  ) {}

  /** Whether this tab is to have the stream. */
  get holds(): boolean {
    return this.#holds;
  }

  /** Joins the tabs that show the same session, and leaves those of another one. */
  join(session: string | null): void {
    this.leave();
    if (!navigator.locks || !("BroadcastChannel" in globalThis)) {
      this.#holds = true;
      this.on.hold();
      return;
    }
    const name = `weir-live-${digest(`${session ?? ""} ${place.base}`)}`;
    const leave = new AbortController();
    this.#leave = leave;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = (event) => this.on.message(event.data as Message);
    this.#timer = setInterval(this.on.announce, ANNOUNCE_MS);
    const hold = () =>
      new Promise<void>((done) => {
        if (leave.signal.aborted) return done();
        leave.signal.addEventListener("abort", () => done());
        this.#holds = true;
        this.post({ kind: "begin" });
        this.on.hold();
      });
    // It waits until the tab that holds it is closed; the wait ends when this one leaves.
    navigator.locks.request(name, { signal: leave.signal }, hold).catch(() => undefined);
    this.on.announce();
  }

  leave(): void {
    this.post({ kind: "bye", tab: this.id });
    clearInterval(this.#timer);
    this.#leave?.abort();
    this.#channel?.close();
    this.#channel = undefined;
    this.#holds = false;
  }

  post(it: Message): void {
    this.#channel?.postMessage(it);
  }
}

/** Names the channel without telling the session. */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (const it of text) hash = Math.imul(hash ^ (it.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 0).toString(36);
}
