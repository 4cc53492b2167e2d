// What is logged, as it comes over a WebSocket, which is opened again where it breaks off.
import { place } from "../../api/place";
import { type Problem, problemOf } from "../../api/problem";
import { noteUnknownSession, token } from "../../api/token";
import { Lines, type Row, type Told } from "./lines";

export interface Standing {
  rows: readonly Row[];
  contact: "connecting" | "live" | "lost" | "refused";
  problem?: Problem | undefined;
  /** Rows that came in all: who paused knows how many are new. */
  total: number;
  /** When the newest of them was logged; 0: nothing came yet. */
  newest: number;
}

/** Which lines; what is not there does not matter. */
export interface Filter {
  level?: string | undefined;
  workflow?: string | undefined;
  stage?: string | undefined;
  node?: string | undefined;
  code?: string | undefined;
  text?: string | undefined;
}

/** The server begins with so many. */
const TAIL = 1_000;
const RETRY_MS = [300, 1_000, 2_000, 5_000];
/** Who comes back asks for a little more than is missing. */
const OVERLAP_MS = 60_000;

/** Where it is followed: of engines, or of the configuration server itself. */
function address(ofServer: boolean, query: URLSearchParams): string {
  const path = place.asked(`/api/v1/${ofServer ? "server/" : ""}logs/tail`);
  const origin = globalThis.location.origin.replace(/^http/, "ws");
  return `${origin}${path}?${query}`;
}

/** One tail, from when somebody looks until nobody does. */
export class Tail {
  #lines = new Lines();
  #standing: Standing = { rows: [], contact: "connecting", total: 0, newest: 0 };
  #listeners = new Set<() => void>();
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #drawn: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;

  constructor(
    private readonly filter: Filter,
    private readonly ofServer: boolean,
  ) {}

  standing = (): Standing => this.#standing;

  listen = (tell: () => void): (() => void) => {
    this.#listeners.add(tell);
    if (this.#listeners.size === 1) this.#open();
    return () => {
      this.#listeners.delete(tell);
      if (this.#listeners.size === 0) this.#close();
    };
  };

  /** What is there already goes out of sight. */
  clear = (): void => {
    this.#lines.clear();
    this.#tell();
  };

  /** Puts rows from before in their place. */
  prepend = (older: readonly Row[]): void => {
    this.#lines.prepend(older);
    this.#tell(this.#standing.contact, this.#standing.problem);
  };

  again = (): void => {
    this.#close();
    this.#attempts = 0;
    this.#open();
  };

  #query(): URLSearchParams {
    const { newest } = this.#lines;
    const since = newest ? new Date(newest - OVERLAP_MS).toISOString() : undefined;
    const given = Object.entries({ ...this.filter, since, tail: String(TAIL) });
    return new URLSearchParams(given.filter((it): it is [string, string] => Boolean(it[1])));
  }

  #open(): void {
    const session = token();
    const protocols = ["weir.logs.v1", ...(session ? [`weir.bearer.${session}`] : [])];
    const query = this.#query();
    const socket = new WebSocket(address(this.ofServer, query), protocols);
    this.#socket = socket;
    let wasOpen = false;
    socket.onopen = () => {
      wasOpen = true;
      if (this.#attempts > 0 && this.#lines.total > 0) this.#lines.mark("followed again", false);
      this.#attempts = 0;
      this.#tell("live");
    };
    socket.onmessage = (event) => {
      this.#lines.take(JSON.parse(String(event.data)) as Told);
      this.#plan();
    };
    socket.onclose = () => {
      if (this.#socket === socket) void this.#ended(wasOpen, query);
    };
  }

  /** Brings it back. A browser does not tell why a WebSocket was refused: the same is asked for without one. */
  async #ended(wasOpen: boolean, query: URLSearchParams): Promise<void> {
    const socket = this.#socket;
    if (wasOpen) this.#lines.mark("the connection broke off; trying again", true);
    const problem = wasOpen ? undefined : await this.#refusal(query);
    if (this.#socket !== socket) return;
    this.#tell(problem ? "refused" : "lost", problem);
    const wait = RETRY_MS[Math.min(this.#attempts++, RETRY_MS.length - 1)];
    this.#timer = setTimeout(() => this.#open(), wait);
  }

  async #refusal(query: URLSearchParams): Promise<Problem | undefined> {
    const session = token();
    const headers: Record<string, string> = session ? { authorization: `Bearer ${session}` } : {};
    const asked = new URLSearchParams(query);
    asked.delete("tail");
    asked.set("limit", "1");
    const path = place.asked(`/api/v1/${this.ofServer ? "server/" : ""}logs`);
    try {
      const response = await fetch(`${path}?${asked}`, { headers, cache: "no-store" });
      if (response.ok) return undefined;
      if (response.status === 401) noteUnknownSession();
      return problemOf(await response.json().catch(() => undefined), response.status);
    } catch {
      return undefined;
    }
  }

  #close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#drawn);
    this.#drawn = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  /** Many lines in a moment are drawn once. */
  #plan(): void {
    this.#drawn ??= setTimeout(() => {
      this.#drawn = undefined;
      this.#tell();
    }, 80);
  }

  #tell(contact = this.#standing.contact, problem?: Problem): void {
    const { total, newest } = this.#lines;
    this.#standing = { rows: [...this.#lines.rows], contact, problem, total, newest };
    for (const tell of this.#listeners) tell();
  }
}
