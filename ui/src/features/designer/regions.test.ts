import { expect, test } from "vitest";
import { neighbour } from "./regions";

const PLACES = {
  read: { x: 0, y: 100 },
  route: { x: 200, y: 100 },
  late: { x: 400, y: 40 },
  early: { x: 400, y: 160 },
  archive: { x: 200, y: 300 },
};

test("arrow keys go to the nearest stage that way", () => {
  expect(neighbour(PLACES, "read", "ArrowRight")).toBe("route");
  expect(neighbour(PLACES, "route", "ArrowLeft")).toBe("read");
  expect(neighbour(PLACES, "late", "ArrowDown")).toBe("early");
  expect(neighbour(PLACES, "route", "ArrowDown")).toBe("archive");
  expect(neighbour(PLACES, "early", "ArrowLeft")).toBe("route");
});

test("where nothing stands that way, nothing is gone to", () => {
  expect(neighbour(PLACES, "read", "ArrowLeft")).toBeUndefined();
  expect(neighbour(PLACES, "gone", "ArrowLeft")).toBeUndefined();
  expect(neighbour(PLACES, "read", "Enter")).toBeUndefined();
});
