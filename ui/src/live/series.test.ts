import { expect, test } from "vitest";
import { NO_COUNTS } from "../logic/counts.fixture";
import { type Point, rates } from "./history";
import { rateSeries } from "./series";

const point = (at: number, n: number, seenUntil?: number): Point => ({
  at,
  counts: { ...NO_COUNTS, recordsIn: n },
  ...(seenUntil === undefined ? {} : { seenUntil }),
});
const drawn = (series: Point[][], until: number, span: number) =>
  rateSeries(series, ["recordsIn"], until, span)[1];

test("before it was followed nothing is said, and after that how much it was", () => {
  const points = [point(10_000, 5_000), point(12_000, 5_080), point(14_000, 5_160)];
  expect(drawn([points], 14_000, 8_000)).toEqual([null, null, null, 40, 40]);
  expect(drawn([[]], 4_000, 4_000)).toEqual([null, null, null]);
});

test("what is still is 0, and one that began later does not hide another one", () => {
  const [still, later] = [[point(-10_000, 7)], [point(5_000, 0), point(6_000, 60)]];
  expect(drawn([still, later], 6_000, 4_000)).toEqual([0, 0, 60]);
});

test("what came while nobody followed did not come all at once", () => {
  const points = [point(0, 0), point(2_000, 80, 4_000), point(300_000, 12_000)];
  points.push(point(302_000, 12_080));
  expect(drawn([points], 302_000, 4_000)).toEqual([null, null, 40]);
  expect(drawn([points], 6_000, 6_000)).toEqual([null, 40, 20, null]);
  expect(rates(points, 302_000)?.recordsIn).toBe(40);
});
