import { expect, test } from "vitest";
import { end } from "./ends";

const DAY = 86_400_000;

test("an end is told in days, and is urgent when it is near", () => {
  expect(end(40 * DAY, 0)).toEqual({ tone: "ok", text: "in 40 days" });
  expect(end(13.5 * DAY, 0)).toEqual({ tone: "warn", text: "in 13 days" });
  expect(end(1.5 * DAY, 0)).toEqual({ tone: "warn", text: "in 1 day" });
  expect(end(DAY / 2, 0)).toEqual({ tone: "warn", text: "ends today" });
  expect(end(0, 1)).toEqual({ tone: "err", text: "has ended" });
});
