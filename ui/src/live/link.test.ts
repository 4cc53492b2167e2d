import { expect, test } from "vitest";
import { type Problem, UNREACHED } from "../api/problem";
import { refusalOf, silentMs } from "./link";

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

test("why nothing comes is known as long as it is tried again, and not where something comes", () => {
  const problem = { detail: "no engine answers" } as Problem;
  expect(refusalOf({ contact: "refused", heardAt: 0, problem })).toBe(problem);
  expect(refusalOf({ contact: "connecting", heardAt: 0, problem })).toBe(problem);
  expect(refusalOf({ contact: "connecting", heardAt: 0 })).toBeUndefined();
  expect(refusalOf({ contact: "lost", heardAt: 0 })).toBe(UNREACHED);
  expect(refusalOf({ contact: "lost", heardAt: 5 })).toBeUndefined();
  expect(refusalOf({ contact: "live", heardAt: 5, problem })).toBeUndefined();
});
