import { expect, test } from "vitest";
import { load, type Reading, withReading } from "./load";

const at = (at: number, openMs: number, busyMs: number, blockedMs: number): Reading => ({
  at,
  time: { openMs, busyMs, blockedMs },
});

test("a load is the share of the time that pipelines had the stage", () => {
  const readings = [at(0, 0, 0, 0), at(5_000, 10_000, 5_000, 0), at(10_000, 20_000, 12_000, 4_000)];
  expect(load(readings, 10_000)).toEqual({ busy: 0.6, blocked: 0.2 });
  expect(load(readings, 5_000)).toEqual({ busy: 0.5, blocked: 0 });
});

test("nothing is said of a stage that no pipeline has, nor of one that is not seen any more", () => {
  expect(load([], 1_000)).toBeUndefined();
  expect(load([at(0, 500, 100, 0)], 1_000)).toBeUndefined();
  expect(load([at(0, 500, 100, 0), at(5_000, 500, 100, 0)], 5_000)).toBeUndefined();
  expect(load([at(0, 500, 100, 0), at(5_000, 5_500, 100, 0)], 60_000)).toBeUndefined();
  expect(load([at(0, 9_000, 9_000, 0), at(5_000, 100, 50, 0)], 5_000)).toBeUndefined();
});

test("old readings are given up", () => {
  const one = withReading([], at(0, 0, 0, 0));
  expect(withReading(one, at(0, 1, 0, 0))).toBe(one);
  expect(withReading(one, at(60_000, 1, 0, 0))).toEqual([at(60_000, 1, 0, 0)]);
});
