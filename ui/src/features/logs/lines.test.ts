import { expect, test } from "vitest";
import { type Entry, Lines, ROWS_MAX } from "./lines";

const line = (number: number, life = "a", node = "n1"): Entry => ({
  number,
  life,
  node,
  at: new Date(number).toISOString(),
  level: "info",
  target: "weir",
  message: `line ${number}`,
});

const keys = (lines: Lines) => lines.rows.map((it) => it.key);

test("a line that comes again is left out, and one of another life is not", () => {
  const lines = new Lines();
  lines.take({ type: "lines", lines: [line(2), line(1)] });
  lines.take({ type: "lines", lines: [line(1), line(2), line(3), line(1, "b")] });
  expect(keys(lines)).toEqual(["n1 a 2", "n1 a 1", "n1 a 3", "n1 b 1"]);
  expect(lines.newest).toBe(3);
});

test("what is missing is marked", () => {
  const lines = new Lines();
  lines.take({ type: "missed", node: "n1", count: 7 });
  lines.take({ type: "lost", node: "n2", why: "no link" });
  const texts = lines.rows.map((it) => it.kind === "mark" && it.text);
  expect(texts).toEqual([
    "n1: 7 lines were forgotten before they could be shown",
    "n2: gives no answer: no link",
  ]);
});

test("rows are bounded", () => {
  const lines = new Lines();
  const all = Array.from({ length: ROWS_MAX + 600 }, (_, it) => line(it + 1));
  lines.take({ type: "lines", lines: all });
  expect(lines.rows.length).toBeLessThanOrEqual(ROWS_MAX + 500);
  expect(lines.rows.at(-1)?.key).toBe(`n1 a ${ROWS_MAX + 600}`);
});
