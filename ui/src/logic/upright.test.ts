import { expect, test } from "vitest";
import { upright } from "./upright";

const at = (y: number) => ({ x: 0, y });

test("what leaves the first port stands above what leaves the next", () => {
  const edges = [
    { from: "route", to: "severe" },
    { from: "route", to: "long" },
  ];
  const drawn = new Map([
    ["route", at(40)],
    ["long", at(10)],
    ["severe", at(70)],
  ]);
  const turned = upright(drawn, edges);
  expect(turned.get("severe")?.y).toBe(10);
  expect(turned.get("long")?.y).toBe(70);
  expect(turned.get("route")?.y).toBe(40);
  expect(upright(turned, edges)).toBe(turned);
});
