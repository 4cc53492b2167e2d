import { expect, test } from "vitest";
import { lineDiff, shortened, subtle } from "./lineDiff";

const said = (before: string, after: string) =>
  lineDiff(before, after).map(
    (it) => `${{ same: " ", added: "+", removed: "-" }[it.is as "same"]}${it.text}`,
  );

test("only the lines that differ are marked", () => {
  expect(said("a\nb\nc\n", "a\nx\nc\n")).toEqual([" a", "-b", "+x", " c"]);
  expect(said("a\nb\n", "a\nnew\nb\nmore\n")).toEqual([" a", "+new", " b", "+more"]);
  expect(said("", "a\n")).toEqual(["+a"]);
  expect(said("a\n", "a\n")).toEqual([" a"]);
});

test("what is far from any change is counted, not shown", () => {
  const before = Array.from({ length: 9 }, (_, at) => `line ${at}`).join("\n");
  const lines = shortened(lineDiff(before, `${before}\nnew`), 1);
  expect(lines.map((it) => it.text)).toEqual(["8 more the same", "line 8", "new"]);
});

test("what reads the same and is another value is told", () => {
  expect(subtle("5", 5)).toBe("now a number, before a text");
  expect(subtle(true, "true")).toBe("now a text, before a flag");
  expect(subtle(undefined, "")).toBe("now an empty text, before nothing");
  expect(subtle("a\nb", "a\nb\n")).toBe("now with a line break at its end");
  expect(subtle("a\nb\n", "a\nb")).toBe("now without the line break at its end");
  for (const same of ["a", "", 5, true, undefined, null])
    expect(subtle(same, same)).toBeUndefined();
  expect(subtle({ a: 1 }, { a: 1 })).toBeUndefined();
});
