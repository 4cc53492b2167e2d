import { expect, test } from "vitest";
import { type Conflict, differences, resolved } from "./conflict";

const text = (directory: string, glob: string, interval: string) =>
  `# mine\nspec:\n  file:\n    directory: ${directory}\n    glob: ${glob}\n    interval: ${interval}\n`;
const conflict: Conflict = {
  path: "a.yaml",
  base: text("in", "a", "1s"),
  yours: text("mine", "a", "9s"),
  theirs: { etag: "2", text: text("theirs", "b", "1s") },
  fields: [{ path: "spec.file.directory", base: "in", yours: "mine", theirs: "theirs" }],
};

test("what one alone changed is kept, and where both did one is chosen", () => {
  expect(resolved(conflict, {})).toBe(text("mine", "b", "9s"));
  expect(resolved(conflict, { "spec.file.directory": "theirs" })).toBe(text("theirs", "b", "9s"));
});

test("a text that can't be read is chosen as a whole", () => {
  expect(resolved({ ...conflict, yours: "a: [" }, {})).toBeUndefined();
  expect(resolved({ ...conflict, theirs: null }, {})).toBeUndefined();
});

test("entries of lists are compared by their names", () => {
  const [a, b] = [
    [{ name: "x", n: 1 }, { name: "y" }],
    [{ name: "y" }, { name: "x", n: 2 }],
  ];
  expect(differences({ l: a }, { l: b })).toEqual([["l", { name: "x" }, "n"]]);
});
