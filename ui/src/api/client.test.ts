import { expect, test, vi } from "vitest";

vi.stubGlobal("window", { location: { origin: "http://127.0.0.1" } });
const empty = { getItem: () => null };
vi.stubGlobal("sessionStorage", empty);
vi.stubGlobal("localStorage", empty);
const { intents } = await import("./client");

test("each attempt at the same thing has the same key, and something else another one", () => {
  const intent = intents();
  const first = intent({ alias: "a" });
  expect(intent({ alias: "a" })).toBe(first);
  expect(intent({ alias: "b" })).not.toEqual(first);
  expect(intents()({ alias: "a" })).not.toEqual(first);
});
