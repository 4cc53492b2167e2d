import { expect, test } from "vitest";
import { lineDiff, shortened } from "./lineDiff";

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
