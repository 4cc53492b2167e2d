import { expect, test } from "vitest";
import { bytesOf, command, dump, type Letter, told } from "./letters";

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

test("what was counted is said, and whether that is all", () => {
  const it = { items: [], total: 1_234, waiting: 12, leftOut: 0, hasMore: false };
  expect(told(it)).toBe("1,234 letters, 12 waiting");
  expect(told({ ...it, hasMore: true })).toBe(
    "1,234 letters, 12 waiting; older ones are not counted yet",
  );
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
