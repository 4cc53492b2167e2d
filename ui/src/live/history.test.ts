import { expect, test } from "vitest";
import { NO_COUNTS } from "../logic/counts.fixture";
import { type Point, rates, STILL } from "./history";

const point = (at: number, n: number): Point => ({
  at,
  counts: { ...NO_COUNTS, recordsIn: n, recordsOut: 2 * n },
});

test("a rate is what came in the window", () => {
  const points = [point(0, 0), point(10_000, 100), point(20_000, 300)];
  expect(rates(points, 20_000)).toEqual({ ...STILL, recordsIn: 20, recordsOut: 40 });
  expect(rates(points, 15_000)?.recordsIn).toBe(10);
});

test("nothing came: the rate is still, not what it was", () => {
  expect(rates([point(0, 0), point(1_000, 100)], 60_000)).toEqual(STILL);
  expect(rates([point(0, 5)], 60_000)).toEqual(STILL);
});

test("what was not looked at for long enough is not said to stand still", () => {
  expect(rates([], 1_000)).toBeUndefined();
  expect(rates([point(0, 5)], 1_000)).toBeUndefined();
  expect(rates([point(0, 5), point(3_000, 5)], 4_000)).toBeUndefined();
  expect(rates([point(0, 5), point(3_000, 8)], 4_000)?.recordsIn).toBeGreaterThan(0);
});

test("an engine that counts anew has no negative rate", () => {
  expect(rates([point(0, 100), point(5_000, 3)], 5_000)?.recordsIn).toBe(0);
});
