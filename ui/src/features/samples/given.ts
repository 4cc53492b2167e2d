// A sample as somebody gave it, and as it is sent: pure functions.
import type { Schemas } from "../../api/client";

/** Of all samples together. */
export const BYTES_MAX = 4 * 1024 * 1024;
/** What is larger is not put into a field: browsers are slow there. */
const SHOWN_MAX = 200_000;

export interface Given {
  /** What was typed or pasted; of a file that can be shown, what it holds. */
  text: string;
  /** A file that is sent as it is: it is too large to be shown, or no text. */
  file?: { name: string; bytes: Uint8Array<ArrayBuffer> };
  /** What the item is called, where it came from a file. */
  name?: string;
  /** Each line is one JSON object, whatever the format of the source is. */
  isLines?: boolean;
}

export const NOTHING: Given = { text: "" };

export const isEmpty = (it: Given) => !it.file && it.text.trim() === "";

export const sizeOf = (it: Given) =>
  it.file?.bytes.length ?? new TextEncoder().encode(it.text).length;

/** A file that was dropped or chosen. */
export function givenBy(name: string, bytes: Uint8Array<ArrayBuffer>): Given {
  const text = bytes.length <= SHOWN_MAX ? textOf(bytes) : undefined;
  return text === undefined ? { text: "", file: { name, bytes } } : { text, name };
}

function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Why it can't be sent as it is; nothing where it can. */
export function unfit(it: Given): string | undefined {
  if (sizeOf(it) > BYTES_MAX)
    return "It is larger than 4 MiB: give the first thousand records or so";
  if (!it.isLines || isEmpty(it)) return undefined;
  const lines = linesOf(it);
  return typeof lines === "string" ? lines : undefined;
}

type Rows = NonNullable<Schemas["TestRunSample"]["records"]>;

/** The records of JSON lines, or why they are none. */
function linesOf(it: Given): Rows | string {
  const text = it.file ? textOf(it.file.bytes) : it.text;
  if (text === undefined) return "The file is no text, so it has no lines of JSON";
  const records: Rows = [];
  for (const [at, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      const record = JSON.parse(line);
      if (typeof record !== "object" || record === null || Array.isArray(record))
        return `Line ${at + 1} is no JSON object`;
      records.push(record);
    } catch {
      return `Line ${at + 1} is no JSON`;
    }
  }
  return records;
}

/** What stands for the input of one source. */
export function sent(source: string, it: Given): Schemas["TestRunSample"] {
  const item = it.file?.name ?? it.name;
  const about = { source, ...(item ? { item } : {}) };
  const lines = it.isLines ? linesOf(it) : undefined;
  if (Array.isArray(lines)) return { ...about, records: lines };
  return { ...about, ...asked(it) };
}

/** The sample alone, as it is looked at for its format. */
export const asked = (it: Given) =>
  it.file ? { base64: base64(it.file.bytes) } : { text: it.text };

export function base64(bytes: Uint8Array): string {
  const step = 0x8000;
  let found = "";
  for (let at = 0; at < bytes.length; at += step)
    found += String.fromCharCode(...bytes.subarray(at, at + step));
  return btoa(found);
}
