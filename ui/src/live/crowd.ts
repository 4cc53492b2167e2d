// Tabs that show sessions of their own have a stream each, and a browser opens six connections to a server at
// most: with so many streams no tab would get an answer any more. So where there are many, those that can't be seen
// let theirs go, and take it up when they are looked at.

/** So many streams leave room for what the tabs ask for. */
const STREAMS_MAX = 3;
/** So long a tab listens which others have a stream. */
const COUNTED_MS = 200;

type Message = { kind: "opens" | "has"; tab: string };

export class Crowd {
  readonly #tab = Array.from(crypto.getRandomValues(new Uint32Array(2))).join("-");
  readonly #channel: BroadcastChannel | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #streams = new Set<string>();

  constructor(
    private readonly on: {
      /** Whether this tab has a stream. */
      has: () => boolean;
      isHidden: () => boolean;
      rest: () => void;
    },
    channel = "weir-streams",
  ) {
    if (!("BroadcastChannel" in globalThis)) return;
    this.#channel = new BroadcastChannel(channel);
    this.#channel.onmessage = ({ data }) => this.#hear(data as Message);
  }

  /** To be told before a stream is opened. */
  opens(): void {
    this.#post("opens");
    this.#count();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#channel?.close();
  }

  #hear({ kind, tab }: Message): void {
    if (kind === "opens" && this.on.has()) {
      this.#post("has");
      this.#count();
    }
    if (this.#timer !== undefined) this.#streams.add(tab);
  }

  /** Begins to count, where it is not being done. */
  #count(): void {
    if (this.#timer !== undefined) return;
    this.#streams.clear();
    this.#timer = setTimeout(() => this.#counted(), COUNTED_MS);
  }

  #counted(): void {
    const streams = new Set(this.#streams).add(this.#tab).size;
    this.#timer = undefined;
    if (streams > STREAMS_MAX && this.on.has() && this.on.isHidden()) this.on.rest();
  }

  #post(kind: Message["kind"]): void {
    this.#channel?.postMessage({ kind, tab: this.#tab } satisfies Message);
  }
}
