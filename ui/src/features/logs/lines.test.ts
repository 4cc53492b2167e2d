import { expect, test } from "vitest";
import { before, type Entry, Lines, ROWS_MAX, rowOf, unseen } from "./lines";

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

test("older lines stand before those that there are, each once, and what is live goes on behind them", () => {
  const lines = new Lines();
  lines.take({ type: "lines", lines: [line(5), line(6)] });
  // A page has the newest first, and what is of the same moment as the oldest line again.
  const older = unseen([line(5), line(4), line(3, "a", "n2"), line(2)], lines.rows);
  expect(older.map((it) => it.key)).toEqual(["n1 a 2", "n2 a 3", "n1 a 4"]);
  lines.prepend([...older, rowOf(line(6))]);
  lines.take({ type: "lines", lines: [line(6), line(7)] });
  expect(keys(lines)).toEqual(["n1 a 2", "n2 a 3", "n1 a 4", "n1 a 5", "n1 a 6", "n1 a 7"]);
  expect(before(lines.rows, 0)).toBe(new Date(3).toISOString());
  expect(before([], 7)).toBe(new Date(8).toISOString());
  expect(before([], 0)).toBeUndefined();
});

test("older lines that somebody asked for do not go as others come", () => {
  const lines = new Lines();
  const all = Array.from({ length: ROWS_MAX }, (_, it) => line(it + 1_000));
  lines.take({ type: "lines", lines: all });
  lines.prepend(Array.from({ length: 500 }, (_, it) => rowOf(line(it + 1))));
  lines.take({ type: "lines", lines: [line(20_000), line(20_001)] });
  expect(lines.rows[0]?.key).toBe("n1 a 1");
});
