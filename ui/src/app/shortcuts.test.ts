import { expect, test } from "vitest";
import { read } from "./shortcuts";

const key = (key: string, more = {}) => ({
  key,
  isCommand: false,
  isTyping: false,
  at: 1_000,
  ...more,
});

test("g and a letter lead to a view, for a moment", () => {
  expect(read(key("g"), undefined)).toEqual({ pairAt: 1_000 });
  expect(read(key("w", { at: 1_500 }), 1_000)).toEqual({ order: { go: "/workflows" } });
  expect(read(key("w", { at: 9_000 }), 1_000).order).toBeUndefined();
});

test("nothing happens while something is typed, but for the palette", () => {
  expect(read(key("?", { isTyping: true }), undefined)).toEqual({});
  expect(read(key("k", { isTyping: true, isCommand: true }), undefined).order).toEqual({
    do: "palette",
  });
});
