// Dead letters as they are counted, shown and named in commands: plain functions.
import type { Schemas } from "../../api/client";
import { count, plural } from "../../logic/format";
import { sh } from "../../logic/shell";

export type Letter = Schemas["DeadLetter"];

/** Which letters are looked at. */
export interface Chosen {
  stage?: string;
  reason?: string;
  state?: string;
  ids?: string[];
}

/** Letters that have stage and reason in common; `needle` stands in all their reasons, to find them by. */
export type Group = Schemas["DeadLetterGroup"];

/** How many letters were counted. */
export function told(it: Schemas["DeadLetterCounts"]): string {
  const all = `${plural(it.total, "letter")}, ${count(it.waiting)} waiting`;
  return it.hasMore ? `${all}; older ones are not counted yet` : all;
}

/** The bytes of what was kept of the record. */
export function bytesOf({ raw, rawBase64 }: Letter): Uint8Array {
  if (rawBase64) return Uint8Array.from(atob(rawBase64), (it) => it.charCodeAt(0));
  return new TextEncoder().encode(raw ?? "");
}

/** The name of a letter's state among all states. */
export const lookName = (state: string) => (state === "waiting" ? "letterWaiting" : state);

const WIDTH = 16;

/** Bytes as people read them: where, in hexadecimal digits, and as text where they are that. */
export function dump(bytes: Uint8Array, most = 4_096): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, most); at += WIDTH) {
    const row = [...bytes.subarray(at, Math.min(at + WIDTH, most))];
    const hex = row.map((it) => it.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((it) => (it >= 32 && it < 127 ? String.fromCharCode(it) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(WIDTH * 3 - 1)}  ${text}`);
  }
  return lines.join("\n");
}

/** The command that does the same to the same letters. */
export function command(verb: string, workflow: string, of: Chosen): string {
  const told = (given: string[]) => sh`weir dead-letter ${verb} ${workflow} ${given}`;
  if (of.ids) return told(of.ids);
  const given = [
    ...(of.stage ? ["--stage", of.stage] : []),
    ...(of.reason ? ["--reason", of.reason] : []),
  ];
  const isList = verb === "list" || verb === "export";
  if (isList && of.state) given.push("--state", of.state);
  // All of them must be asked for by that word.
  if (!isList && given.length === 0) given.push("--all");
  return told(given);
}
