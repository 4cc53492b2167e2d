import { expect, test } from "vitest";
import { ago, bytes, cutName, duration, plural, rate, short, words } from "./format";

test("numbers are short and never lie about nothing", () => {
  expect([0, 0.04, 3.14, 99.6, 48_200].map(rate)).toEqual([
    "0/s",
    "<0.1/s",
    "3.1/s",
    "100/s",
    "48.2K/s",
  ]);
  expect([999, 9_999, 1_400_000].map(short)).toEqual(["999", "9,999", "1.4M"]);
  expect([0, 1_023, 1_536, 216_240_128].map(bytes)).toEqual([
    "0 B",
    "1023 B",
    "1.5 KiB",
    "206 MiB",
  ]);
});

test("times are told in the units that matter", () => {
  expect([5, 1_500, 61_000, 3_700_000, 90_000_000].map(duration)).toEqual([
    "5 ms",
    "1.5 s",
    "1 min 1 s",
    "1 h 1 min",
    "1 d 1 h",
  ]);
  expect([-5, 7_000, 120_000].map(ago)).toEqual(["now", "7 s ago", "2 min ago"]);
});

test("a long name is cut in its middle", () => {
  expect(cutName("orders.csv", 10)).toBe("orders.csv");
  expect(cutName("orders-of-monday.csv", 10)).toBe("order….csv");
  expect([...cutName("é".repeat(200))]).toHaveLength(48);
});

test("words", () => {
  expect(words("committedWithWarnings")).toBe("committed with warnings");
  expect([plural(1, "node"), plural(2, "node")]).toEqual(["1 node", "2 nodes"]);
});
