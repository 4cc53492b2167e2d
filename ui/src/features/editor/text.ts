// Changes of an asset's text, one value at a time. What is not meant stays as it was written: comments, quotes,
// blank lines, the order of keys.
import { type Document, isCollection, isMap, isScalar, isSeq, parseDocument } from "yaml";

/** A step of a path: a key, a place in a list, or the entry of a list that has this name. */
export type Step = string | number | { name: string };
export type Path = readonly Step[];

export interface Parsed {
  /** Why it can't be read, with the place; nothing can be changed but by hand. */
  problem?: { line: number; column: number; message: string };
  value: unknown;
}

interface Known extends Parsed {
  /** Made when somebody asks for it: what was edited here is known by its value already. */
  document?: Document.Parsed | undefined;
  /** The same without the places: the next edit goes on in it. */
  editable?: Document.Parsed | undefined;
  /** As the library prints it. */
  printed?: string;
}

/** The last texts that were read: several views ask of the same one. Nobody changes what is handed out. */
const recent = new Map<string, Known>();
const RECENT_MAX = 6;

export const parsed = (text: string): Parsed => known(text);

function known(text: string): Known {
  return recent.get(text) ?? note(text, read(text));
}

function note(text: string, made: Known): Known {
  recent.set(text, made);
  const [oldest] = recent.keys();
  if (recent.size > RECENT_MAX && oldest !== undefined) recent.delete(oldest);
  return made;
}

/** With the place of each node in the text. */
export function documentOf(text: string): Document.Parsed {
  const it = known(text);
  it.document ??= read(text).document;
  return it.document;
}

/** What an edit made is not read again before somebody wants to know where things stand. */
function foreseen(text: string, made: Known): string {
  note(text, made);
  return text;
}

function read(text: string): Parsed & { document: Document.Parsed } {
  const document = parseDocument(text, { strict: true, uniqueKeys: true });
  const [error] = document.errors;
  if (!error) return { document, value: document.toJS({ maxAliasCount: 100 }) };
  const { line = 1, col: column = 1 } = error.linePos?.[0] ?? {};
  const message = error.message.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? "";
  return { document, value: undefined, problem: { line, column, message } };
}

/** What stands at a path of a plain value. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const step of path) {
    if (typeof step === "object")
      at = Array.isArray(at)
        ? at.find((it) => (it as { name?: unknown } | null)?.name === step.name)
        : undefined;
    else at = (at as Record<string | number, unknown> | null | undefined)?.[step];
    if (at === undefined) return undefined;
  }
  return at;
}

/** Edits the document by `edit`, and changes no more of the text than that asks for. */
export function edited(text: string, edit: (document: Document.Parsed) => void): string {
  const style = { lineWidth: 0, indentSeq: indentsLists(text), flowCollectionPadding: true };
  const before = known(text);
  if (before.problem) return text;
  // To read or copy a large one takes long: it is taken, and read again should somebody want to know it.
  const document = before.editable ?? documentOf(text);
  before.editable = before.document = undefined;
  const printed = before.printed ?? document.toString(style);
  edit(document);
  const after = document.toString(style);
  return patched(text, printed, { value: document.toJS(), editable: document, printed: after });
}

/** Lists may stand below their key, or be set in: both are common. */
function indentsLists(text: string): boolean {
  const found = /^( *)[^\s#-][^\n]*:[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)- /m.exec(text);
  return !found || (found[2]?.length ?? 0) > (found[1]?.length ?? 0);
}

/** Takes the lines that differ between two printed texts over into the one that was written by hand. */
function patched(written: string, before: string, made: Known & { printed: string }): string {
  const after = made.printed;
  if (before === after) return written;
  if (written === before) return foreseen(after, made);
  const [hand, old, now] = [written, before, after].map((it) => it.split("\n")) as [
    string[],
    string[],
    string[],
  ];
  if (hand.length !== old.length) return foreseen(after, made);
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  const room = Math.min(old.length, now.length) - start;
  while (end < room && old[old.length - 1 - end] === now[now.length - 1 - end]) end++;
  const result = [
    ...hand.slice(0, start),
    ...now.slice(start, now.length - end),
    ...hand.slice(hand.length - end),
  ].join("\n");
  const { problem, value } = parsed(result);
  const isSame = !problem && JSON.stringify(value) === JSON.stringify(made.value);
  return isSame ? result : foreseen(after, made);
}

/** The list at a path, made where nothing is there. */
export function listAt(document: Document.Parsed, path: readonly (string | number)[]) {
  unfold(document, path);
  if (!isSeq(document.getIn(path, true))) document.setIn(path, document.createNode([]));
  const list = document.getIn(path, true);
  return isSeq(list) ? list : undefined;
}

/** The path in the document, made where it is missing: entries by name are looked up, or added. */
function places(
  document: Document.Parsed,
  path: Path,
  make: boolean,
): (string | number)[] | undefined {
  const found: (string | number)[] = [];
  for (const [at, step] of path.entries()) {
    if (typeof step !== "object") {
      found.push(step);
      continue;
    }
    const list = make ? listAt(document, found) : document.getIn(found, true);
    if (!isSeq(list)) return undefined;
    let index = list.items.findIndex((it) => isMap(it) && it.get("name") === step.name);
    if (index < 0) {
      if (!make) return undefined;
      list.add(document.createNode(at === path.length - 1 ? {} : { name: step.name }));
      index = list.items.length - 1;
    }
    found.push(index);
  }
  return found;
}

/** Sets one value, a new one behind the key `after`; `undefined` takes it out, and what is empty above it for that. */
export function withValue(text: string, path: Path, value: unknown, after?: string): string {
  return edited(text, (document) => {
    const at = places(document, path, value !== undefined);
    if (!at) return;
    if (value === undefined) {
      document.deleteIn(at);
      prune(document, at.slice(0, -1));
      return;
    }
    unfold(document, at);
    const node = document.getIn(at, true);
    if (isScalar(node) && (typeof value !== "object" || value === null)) {
      node.value = value;
      // A quoted text stays quoted; what was plain is quoted where it has to be.
      if (typeof value !== "string" || value.includes("\n")) node.type = undefined;
    } else document.setIn(at, document.createNode(value));
    if (!node && after) moveBehind(document.getIn(at.slice(0, -1), true), after);
  });
}

/** Entries of a list in the order of these names; nothing is said of others than are there. */
export function withOrder(text: string, path: Path, names: readonly string[]): string {
  const before = valueAt(parsed(text).value, path);
  const placeOf = (it: unknown) => names.indexOf((it as { name: string }).name);
  if (
    !Array.isArray(before) ||
    before.every((it, at) => at === 0 || placeOf(before[at - 1]) < placeOf(it))
  )
    return text;
  return edited(text, (document) => {
    const at = places(document, path, false);
    const list = at && document.getIn(at, true);
    const place = (it: unknown) => (isMap(it) ? names.indexOf(String(it.get("name"))) : -1);
    if (isSeq(list)) list.items.sort((a, b) => place(a) - place(b));
  });
}

/** What was added last goes behind the key. */
function moveBehind(map: unknown, after: string): void {
  if (!isMap(map)) return;
  const index = map.items.findIndex((it) => isScalar(it.key) && it.key.value === after);
  const last = index < 0 ? undefined : map.items.pop();
  if (last) map.items.splice(index + 1, 0, last);
}

/** `key:` alone is null, where an object is meant. */
function unfold(document: Document.Parsed, at: readonly (string | number)[]): void {
  for (let depth = 1; depth < at.length; depth++) {
    const above = at.slice(0, depth);
    const node = document.getIn(above, true);
    if (node === undefined || (isScalar(node) && node.value === null))
      document.setIn(above, document.createNode(typeof at[depth] === "number" ? [] : {}));
  }
}

function prune(document: Document.Parsed, above: (string | number)[]): void {
  for (let at = above; at.length > 1; at = at.slice(0, -1)) {
    const node = document.getIn(at, true);
    if (!isCollection(node) || node.items.length > 0 || typeof at.at(-1) === "number") return;
    document.deleteIn(at);
  }
}

/** The place of a path in the text, to go there. */
export function offsetOf(text: string, path: Path): number | undefined {
  return (nodeAt(text, path) as { range?: [number, number, number] } | undefined)?.range?.[0];
}

/** What stands at a path, as it was written. */
export function nodeAt(text: string, path: Path): unknown {
  const document = documentOf(text);
  const at = places(document, path, false);
  return at && document.getIn(at, true);
}

const isPlain = (it: string) => /^[\p{L}\p{N}_-]+$/u.test(it);
const unquoted = (it: string): string => {
  try {
    return it.startsWith('"') ? JSON.parse(it) : it;
  } catch {
    return it;
  }
};

/** The path that the server names, as `spec.stages[2].filter`, `spec.stages[read].filter` or `set."to.code"`. */
export function pathOf(written: string): Path {
  const steps = written.matchAll(/\[("(?:[^"\\]|\\.)*"|[^\]]*)\]|"(?:[^"\\]|\\.)*"|[^.[\]]+/g);
  return [...steps].map(([all, inside]) =>
    inside === undefined
      ? unquoted(all)
      : /^\d+$/.test(inside)
        ? +inside
        : { name: unquoted(inside) },
  );
}

/** As the server writes it, and `pathOf` reads it. */
export const writtenOf = (path: Path) =>
  path
    .map((it) => {
      if (typeof it === "number") return `[${it}]`;
      if (typeof it === "string") return `.${isPlain(it) ? it : JSON.stringify(it)}`;
      const isBare = isPlain(it.name) && !/^\d+$/.test(it.name);
      return `[${isBare ? it.name : JSON.stringify(it.name)}]`;
    })
    .join("")
    .replace(/^\./, "");
