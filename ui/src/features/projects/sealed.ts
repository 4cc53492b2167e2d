// What a sealed value says of itself, and what a file of variables holds: pure functions. No value is opened here.
import type { Schemas } from "../../api/client";

export const SEALED = "weir-secret:";

export interface Sealed {
  /** For which project and name it was sealed; absent: for any. */
  of: { project: string; name: string } | undefined;
  /** Fingerprints of the keys that open it. */
  keys: string[];
}

/** Absent: it is none, or of a form that is not known here. */
export function sealedOf(value: string): Sealed | undefined {
  const [, version, ...parts] = value.startsWith(SEALED) ? value.split(":") : [];
  const keys = (it: string | undefined) => (it ?? "").split(",").filter(Boolean);
  if (version === "1") return { of: undefined, keys: keys(parts[0]) };
  const [project, name, to] = parts;
  if (version !== "2" || !project || !name) return undefined;
  return { of: { project, name }, keys: keys(to) };
}

type Key = Schemas["Page_Key"]["items"][number];

export interface Opened {
  tone: "ok" | "warn" | "err";
  text: string;
}

/** Who opens it, of the keys of the cluster; absent: its keys are not known. */
export function openedBy(
  sealed: Sealed,
  at: { project: string; name: string },
  keys: readonly Key[] | undefined,
): Opened {
  const { of } = sealed;
  if (of && (of.project !== at.project || of.name !== at.name))
    return { tone: "err", text: `sealed for ${of.name} of ${of.project}: no engine opens it here` };
  if (!keys) return { tone: "ok", text: `sealed to ${sealed.keys.length} keys` };
  const own = keys.filter((it) => sealed.keys.includes(it.fingerprint));
  const others = sealed.keys.length - own.length;
  const names = own.map((it) => it.alias).join(", ");
  if (own.length === 0) return { tone: "err", text: "no key of this cluster opens it" };
  const more = others > 0 ? `, and ${others} of elsewhere` : "";
  if (own.some((it) => it.current)) return { tone: "ok", text: `opened by ${names}${more}` };
  return { tone: "warn", text: `opened by ${names}, rotated meanwhile: set it anew${more}` };
}

export interface Variable {
  name: string;
  value: string;
  /** Counted from 1. */
  line: number;
}

/** The variables of a `.env` file, the last of each name; and the lines that are none. */
export function variablesOf(text: string): { variables: Variable[]; bad: number[] } {
  const found = new Map<string, Variable>();
  const bad: number[] = [];
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [, name, value] = /^(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)$/.exec(line) ?? [];
    const read = value === undefined ? undefined : plain(value);
    if (name && read !== undefined) found.set(name, { name, value: read, line: at + 1 });
    else bad.push(at + 1);
  }
  return { variables: [...found.values()], bad };
}

/** Absent: a quote that is not closed. */
function plain(value: string): string | undefined {
  const quote = value[0];
  if (quote !== '"' && quote !== "'") return value.replace(/\s+#.*$/, "").trim();
  const [, inner] = (quote === '"' ? /^"((?:[^"\\]|\\.)*)"/ : /^'([^']*)'/).exec(value) ?? [];
  if (quote === "'" || inner === undefined) return inner;
  const escapes: Record<string, string> = { n: "\n", r: "\r", t: "\t" };
  return inner.replace(/\\(.)/g, (_, it: string) => escapes[it] ?? it);
}

/** Where `${sec:NAME}` stands, by name. */
export function usesOf(texts: readonly { path: string; text: string }[]): Map<string, string[]> {
  const uses = new Map<string, string[]>();
  for (const { path, text } of texts) {
    const names = new Set(Array.from(text.matchAll(/\$\{sec:([^}]+)\}/g), (it) => it[1] ?? ""));
    for (const name of names) uses.set(name, [...(uses.get(name) ?? []), path]);
  }
  return uses;
}
