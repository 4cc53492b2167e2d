// What may be written where the cursor is, as the schema says: a pure function of the text.
import type { Completion, CompletionResult } from "@codemirror/autocomplete";
import { fieldOf, resolved, type Schema, schemaAt } from "./schema";
import { parsed } from "./text";

interface Entry {
  column: number;
  /** Absent for the dash of a list. */
  key?: string;
}

/** The dashes of a line, and the key behind them. */
function entries(line: string): Entry[] {
  const [, lead = "", key] = /^((?: |- )*)([^\s:#-][^:#]*?)?\s*(?::(?:\s|$)|$)/.exec(line) ?? [];
  const dashes = [...lead.matchAll(/-/g)].map((it) => ({ column: it.index }));
  return key === undefined ? dashes : [...dashes, { column: lead.length, key }];
}

/** The keys above a place in block style, from how far they are set in; 0 stands for an entry of a list. */
export function keysAbove(text: string, at: number): (string | number)[] {
  const lines = text.slice(0, at).split("\n");
  const path: (string | number)[] = [];
  let [column, list] = [lines.at(-1)?.length ?? 0, -1];
  for (const line of lines.reverse()) {
    if (/^\s*#/.test(line)) continue;
    for (const it of entries(line).reverse()) {
      if (it.column >= column || (it.key === undefined && it.column === list)) continue;
      path.unshift(it.key ?? 0);
      // A list may stand right below its key.
      [column, list] = it.key === undefined ? [it.column + 1, it.column] : [it.column, -1];
    }
  }
  return path;
}

export function completions(
  root: Schema,
  text: string,
  at: number,
  isAsked: boolean,
): CompletionResult | null {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  const line = text.slice(start, at);
  const value = /^\s*(?:- +)*([^\s:#]+):\s+([\w.-]*)$/.exec(line);
  const path = keysAbove(text, start + (/^ *(- +)*/.exec(line)?.[0] ?? "").length);
  const whole = parsed(text).value;
  if (value) {
    const found = schemaAt(root, [...path, value[1] ?? ""], whole);
    return result(
      found.flatMap((it) => valuesOf(root, it)),
      at - (value[2] ?? "").length,
    );
  }
  const word = /^\s*(?:- +)*([\w.-]*)$/.exec(line);
  if (!word || (!isAsked && !word[1])) return null;
  const keys = schemaAt(root, path, whole).flatMap((it) => keysOf(root, it));
  return result(keys, at - (word[1] ?? "").length);
}

function result(options: Completion[], from: number): CompletionResult | null {
  const unique = new Map(options.map((it) => [it.label, it]));
  return unique.size > 0 ? { from, options: [...unique.values()], validFor: /^[\w.-]*$/ } : null;
}

function keysOf(root: Schema, schema: Schema): Completion[] {
  return Object.entries(schema.properties ?? {}).map(([label, it]) => {
    const { description } = resolved(root, it);
    const isRequired = schema.required?.includes(label);
    return {
      label,
      apply: `${label}: `,
      type: "property",
      info: description,
      detail: isRequired ? "required" : undefined,
      boost: isRequired ? 1 : 0,
    };
  });
}

function valuesOf(root: Schema, schema: Schema): Completion[] {
  if (typeof schema.const === "string") return [{ label: schema.const, info: schema.description }];
  if (schema.enum) return schema.enum.map((it) => ({ label: String(it) }));
  const field = fieldOf(root, schema);
  if (field.is === "flag") return [{ label: "true" }, { label: "false" }];
  if (field.is === "choice")
    return field.options.map((it) => ({ label: it.value, info: it.description }));
  return [];
}
