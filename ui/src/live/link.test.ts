import { expect, test } from "vitest";
import { silentMs } from "./link";

test("what is shown is that of now while the server is heard", () => {
  expect(silentMs({ contact: "live", heardAt: 1_000 }, 3_000)).toBeUndefined();
  expect(silentMs({ contact: "live", heardAt: 1_000 }, 9_000)).toBe(8_000);
  expect(silentMs({ contact: "lost", heardAt: 1_000 }, 3_000)).toBeUndefined();
  expect(silentMs({ contact: "lost", heardAt: 1_000 }, 9_000)).toBe(8_000);
});

test("who holds the page sees what was, at once", () => {
  expect(silentMs({ contact: "paused", heardAt: 1_000 }, 1_500)).toBe(500);
});

test("a page that heard nothing yet has nothing that is old", () => {
  expect(silentMs({ contact: "lost", heardAt: 0 }, 9_000)).toBeUndefined();
});
