import { expect, test } from "vitest";
import { bytesOf, command, dump, groups, type Letter, pattern } from "./letters";

const letter = (reason: string, more: Partial<Letter> = {}): Letter => ({
  id: reason,
  state: "waiting",
  at: "2026-01-01T00:00:00Z",
  stage: "read",
  item: "a.csv",
  position: 1,
  reason,
  isCut: false,
  attempt: 1,
  ...more,
});

test("reasons that differ in a value are one group, the largest first", () => {
  const all = groups([
    letter("no comma"),
    letter('field "delay" holds "x", which is no number'),
    letter('field "delay" holds "12b", which is no number', { state: "replayed" }),
  ]);
  expect(all).toEqual([
    {
      stage: "read",
      reason: "field … holds … which is no number",
      needle: "which is no number",
      count: 2,
      waiting: 1,
    },
    { stage: "read", reason: "no comma", needle: "no comma", count: 1, waiting: 1 },
  ]);
  expect(pattern("line 7: 3 fields, 12 wanted")).toBe("line … : … fields, … wanted");
});

test("bytes are shown with where they are, and as text", () => {
  expect(dump(new TextEncoder().encode("a,1\n"))).toBe(
    `000000  61 2c 31 0a${" ".repeat(36)}  a,1.`,
  );
  expect(bytesOf(letter("x", { rawBase64: "/wA=" }))).toEqual(Uint8Array.of(255, 0));
});

test("commands name the same letters", () => {
  expect(command("replay", "w", {})).toBe("weir dead-letter replay w --all");
  expect(command("replay", "w", { ids: ["a:1", "a:2"] })).toBe("weir dead-letter replay w a:1 a:2");
  expect(command("list", "w", { stage: "s", reason: "is no number", state: "waiting" })).toBe(
    "weir dead-letter list w --stage s --reason 'is no number' --state waiting",
  );
  expect(command("discard", "w", { stage: "s", state: "waiting" })).toBe(
    "weir dead-letter discard w --stage s",
  );
});
