// Where a workflow reads and where it writes, as the assets of its project say it. Addresses alone, never who one is there.

import { sh } from "../../logic/shell";

/** An asset with all that it inherits. */
export interface Said {
  kind?: string | null;
  name?: string | null;
  description?: string | null;
  spec: unknown;
}

export interface Way {
  stage: string;
  /** `file`, `kafka` … */
  kind: string;
  /** A directory, an address, a table: where to look. */
  at: string;
  /** Which of what is there. */
  which?: string;
  /** What it is, as the asset says. */
  what?: string;
  /** Where a file goes once all of it took effect, and where one goes that did not. */
  done?: string;
  error?: string;
}

export interface Ways {
  reads: Way[];
  writes: Way[];
  /** The directory with records that failed. */
  letters: string;
}

type Keyed = Record<string, unknown>;

const keyed = (value: unknown): Keyed =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Keyed) : {};
const text = (value: unknown): string | undefined =>
  typeof value === "string" || typeof value === "number" ? String(value) : undefined;
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const listed = (value: unknown): string | undefined =>
  list(value)
    .map((it) => text(it))
    .join(", ") || text(value);

/** The names of the assets that the workflow's sources and sinks are. */
export function referred(spec: unknown): { kind: "Source" | "Sink"; name: string }[] {
  return list(keyed(spec).stages).flatMap((stage): { kind: "Source" | "Sink"; name: string }[] => {
    const { source, sink } = keyed(stage);
    if (typeof source === "string") return [{ kind: "Source", name: source }];
    if (typeof sink === "string") return [{ kind: "Sink", name: sink }];
    return [];
  });
}

/** `base`: where relative paths begin. */
export function ways(spec: unknown, assets: readonly Said[], base: string): Ways {
  const of = (kind: string, slot: unknown) => {
    const asset =
      typeof slot === "string"
        ? assets.find((it) => it.kind === kind && it.name === slot)
        : undefined;
    return { spec: asset ? asset.spec : slot, what: asset?.description ?? undefined };
  };
  const [reads, writes]: [Way[], Way[]] = [[], []];
  for (const it of list(keyed(spec).stages)) {
    const { name, source, sink } = keyed(it);
    const stage = text(name) ?? "";
    if (source !== undefined) {
      const { spec, what } = of("Source", source);
      reads.push({ stage, ...way(spec, base), ...(what && { what }) });
    }
    if (sink !== undefined) {
      const { spec, what } = of("Sink", sink);
      writes.push({ stage, ...way(spec, base), ...(what && { what }) });
    }
  }
  const letters = text(keyed(keyed(spec).deadLetters).directory) ?? "dead-letters";
  return { reads, writes, letters: below(base, letters) };
}

/** A path as it is on the engine: relative ones are below the project. */
export function below(base: string, path: string): string {
  if (/^(\/|[A-Za-z]:[\\/])/.test(path) || base === "") return path;
  const rest = path.replace(/^(\.\/)+/, "");
  return rest === "." || rest === "" ? base : `${base.replace(/\/$/, "")}/${rest}`;
}

/** Who one is there, and what is asked there, may be a secret. */
const bare = (url: string) =>
  url.replace(/^([a-z0-9+.-]+:\/\/)[^/@]*@/i, "$1").replace(/[?#].*$/, "");

function way(spec: unknown, base: string): Omit<Way, "stage" | "what"> {
  const [[kind, config] = ["", {}]] = Object.entries(keyed(spec));
  const it = keyed(config);
  const connection = keyed(it.connection);
  const [at, which] = place(kind, it, connection, base);
  const moved = (to: unknown) => {
    const directory = text(keyed(to).directory);
    return directory === undefined ? undefined : below(base, directory);
  };
  const [done, error] = kind === "file" ? [moved(it.done), moved(it.error)] : [];
  return {
    kind,
    at: at ?? "",
    ...(which !== undefined && { which }),
    ...(done !== undefined && { done }),
    ...(error !== undefined && { error }),
  };
}

function place(kind: string, it: Keyed, connection: Keyed, base: string): [string?, string?] {
  const directory = () => below(base, text(it.directory) ?? "");
  const url = () => (text(connection.url) ? bare(text(connection.url) ?? "") : undefined);
  switch (kind) {
    case "file":
    case "tail":
      return [directory(), named(it)];
    case "objects":
      return [store(connection, text(it.prefix)), named(it)];
    case "kafka":
      return [
        `kafka://${listed(connection.brokers) ?? ""}`,
        listed(it.topics) ?? text(it.topic) ?? text(it.pattern),
      ];
    case "nats":
      return [listed(connection.servers), text(it.subject) ?? text(it.stream)];
    case "sql":
      return [database(connection) ?? url(), text(it.table) ?? text(it.query)];
    case "http":
      return [url() ?? text(it.bind), listed(it.paths) ?? text(it.method)];
    case "httpPoll":
      return [url()];
    case "tcp":
      return [text(it.listen) ?? text(it.connect)];
    case "timer":
      return ["the clock", text(it.cron) ?? (text(it.every) && `every ${text(it.every)}`)];
    case "generator":
      return ["made up here", text(it.records) && `${text(it.records)} records`];
    case "devNull":
      return ["nowhere: it is thrown away"];
    case "stdout":
      return ["the output of the engine"];
    default:
      return [];
  }
}

/** The name of what is written, with what stands for a macro; or which files are read. */
const named = (it: Keyed) =>
  text(it.name)
    ?.replace(/\$\{item(:[^}]*)?\}/g, "*")
    .replace(/\$\{field:([^}]*)\}/g, "‹$1›")
    .replace(/\$\{(\w+)(:[^}]*)?\}/g, "‹$1›") ??
  text(it.glob) ??
  text(it.regex);

function store(connection: Keyed, prefix = ""): string | undefined {
  const [[scheme, config] = [undefined, {}]] = Object.entries(connection);
  const { bucket, container } = keyed(config);
  return scheme && `${scheme}://${text(bucket) ?? text(container) ?? ""}/${prefix}`;
}

function database(connection: Keyed): string | undefined {
  const { type, host, port, database, file } = connection;
  if (text(file)) return `sqlite:${text(file)}`;
  if (!text(type)) return undefined;
  return `${text(type)}://${text(host) ?? ""}${text(port) ? `:${text(port)}` : ""}/${text(database) ?? ""}`;
}

/** Puts a file that was read and moved away where it was: it is read again, as a file of today. */
export function again(way: Way, item: string): string | undefined {
  if (!way.done || item.includes("/") || /\$\{/.test(way.done + way.at)) return undefined;
  return sh`cp ${`${way.done}/${item}`} ${`${way.at}/`}`;
}
