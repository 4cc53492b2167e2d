import { expect, test } from "vitest";
import {
  again,
  type Conflict,
  conflictOf,
  differences,
  dropped,
  lostComments,
  narrowed,
  resolved,
  since,
  stillChosen,
  verb,
} from "./conflict";

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
  expect(resolved({ ...conflict, fields: [] }, {})).toBeUndefined();
});

test("a key with a dot is whose it was chosen to be", () => {
  const set = (code: string) => `spec:\n  set:\n    to.code: ${code}\n`;
  const it: Conflict = {
    path: "a.yaml",
    base: set("a"),
    yours: set("b"),
    theirs: { etag: "2", text: set("c") },
    fields: [{ path: 'spec.set."to.code"', base: "a", yours: "b", theirs: "c" }],
  };
  expect(resolved(it, { 'spec.set."to.code"': "yours" })).toBe(set("b"));
  expect(resolved(it, { 'spec.set."to.code"': "theirs" })).toBe(set("c"));
  const unknown = { ...it, fields: [{ path: "spec.set[x].code", yours: "b", theirs: "c" }] };
  expect(resolved(unknown, {})).toBeUndefined();
});

test("entries of lists are compared by their names", () => {
  const [a, b] = [
    [{ name: "x", n: 1 }, { name: "y" }],
    [{ name: "y" }, { name: "x", n: 2 }],
  ];
  expect(differences({ l: a }, { l: b })).toEqual([["l", { name: "x" }, "n"]]);
});

test("what was not sent yet is compared as the server would", () => {
  const { base, yours, theirs, fields } = conflict;
  const it = conflictOf("a.yaml", base ?? "", yours ?? "", theirs ?? { text: "", etag: "" });
  expect(it.fields).toEqual(fields);
  expect(conflictOf("a.yaml", base ?? "", "a: [", { text: "a: 1", etag: "2" }).fields).toBe(
    undefined,
  );
  const same = conflictOf("a.yaml", "a: 1", "a: 2", { text: "a: 2", etag: "2" });
  expect([same.fields, same.merged]).toEqual([[], "a: 2"]);
});

test("a save says whose is dropped, and what that is", () => {
  const fields = [
    {
      path: "spec.stages",
      base: [{ name: "long", n: 1 }],
      yours: [{ name: "far", n: 1 }],
      theirs: [{ name: "long", n: 1 }, { name: "extra" }],
    },
    { path: "spec.n", base: 1, yours: 2, theirs: 3 },
  ];
  const it = { ...conflict, fields };
  expect([verb(fields, {}), dropped(it, {})]).toEqual(["Save what is chosen", []]);
  expect(verb([], {})).toBe("Save both changes");
  const mine = { "spec.stages": "yours", "spec.n": "yours" } as const;
  expect(verb(fields, mine)).toBe("Save, and drop theirs");
  expect(dropped(it, mine)).toEqual([
    "their change: spec.stages[extra] was added",
    "their change: spec.n was changed",
  ]);
  expect(verb(fields, { ...mine, "spec.n": "theirs" })).toBe("Save, and drop what is not chosen");
});

test("comments of theirs that do not come along are told", () => {
  const it = conflictOf("a.yaml", "a: 1\n", "a: 2\n", { text: "# why\na: 1 # one\n", etag: "2" });
  expect(lostComments(it, resolved(it, {}) ?? "")).toEqual(["# why", "# one"]);
  expect(lostComments(it, "# why\na: 2 # one\n")).toEqual([]);
});

const list = (n: number, ...all: string[]) =>
  `spec:\n  n: ${n}\n  fields:\n${all.map((it) => `    - { name: ${it} }\n`).join("")}`;
const onLists = (yours: string, theirs: string): Conflict => ({
  path: "f.yaml",
  base: list(1, "id", "price"),
  yours,
  theirs: { etag: "2", text: theirs },
  fields: [{ path: "spec.n", base: 1, yours: 2, theirs: 3 }],
});
const flat = (text?: string) => text?.replace(/\s+/g, " ");
const inside = (n: number, fields: string) => `spec: n: ${n} fields: ${fields} `;

test("the server's text is taken before the page makes one", () => {
  expect(resolved({ ...conflict, merged: "a: 1" }, {})).toBe("a: 1");
});

test("an entry stands where its side put it", () => {
  const theirs = list(3, "id", "region", "price");
  const added = inside(2, "- { name: id } - name: region - { name: price }");
  expect(flat(resolved(narrowed(onLists(list(2, "id", "price"), theirs)), {}))).toBe(added);
  const moved = onLists(list(2, "id", "price"), list(3, "price", "id"));
  expect(resolved(narrowed(moved), {})).toBe(list(2, "price", "id"));
  const own = onLists(list(2, "id", "region", "price"), list(3, "id", "price"));
  expect(resolved(narrowed(own), {})).toBe(list(2, "id", "region", "price"));
  const unsent = conflictOf("f.yaml", list(1, "id", "price"), list(2, "id", "price"), {
    etag: "2",
    text: list(1, "id", "region", "price"),
  });
  expect([unsent.fields, flat(unsent.merged ?? "")]).toEqual([[], added]);
});

test("what both added to a list comes together as the server does it", () => {
  const [yours, theirs] = [list(2, "id", "region", "price"), list(3, "id", "price", "tax")];
  const it = narrowed(onLists(yours, theirs));
  expect(it.fields?.map((one) => one.path)).toEqual(["spec.n"]);
  expect(flat(resolved(it, {}))).toBe(
    inside(2, "- { name: id } - { name: region } - { name: price } - name: tax"),
  );
});

test("a list that both put in another order is one of theirs as a whole", () => {
  const base = list(1, "id", "price", "tax");
  const [yours, theirs] = [list(1, "price", "id", "tax"), list(1, "id", "tax", "price")];
  const sent = { path: "f.yaml", base, yours, theirs: { etag: "2", text: theirs } };
  const own = conflictOf("f.yaml", base, yours, sent.theirs);
  expect(own.fields?.map((one) => one.path)).toEqual(["spec.fields"]);
  expect(narrowed({ ...sent, fields: own.fields }).fields).toEqual(own.fields);
  expect(resolved(own, {})).toBe(yours);
  expect(flat(resolved(own, { "spec.fields": "theirs" }))).toBe(
    inside(1, "- name: id - name: tax - name: price"),
  );
});

test("values that one changed stay where the other one moved, added and took out others", () => {
  const of = (...stages: string[]) =>
    `spec:\n  stages:\n${stages.map((it) => `    - { ${it} }\n`).join("")}`;
  const base = of("name: a, n: 1", "name: b, n: 1", "name: c, n: 1", "name: d, n: 1");
  const yours = of("name: a, n: 2", "name: b, n: 1", "name: c, n: 50", "name: d, n: 1");
  const moved = ["name: c, n: 1", "name: a, n: 1", "name: x, n: 1", "name: d, n: 1"];
  const both =
    "spec: stages: - { name: c, n: 50 } - { name: a, n: 2 } - name: x n: 1 - { name: d, n: 1 } ";
  const told = (theirs: string) =>
    narrowed({
      path: "w.yaml",
      base,
      yours,
      theirs: { etag: "2", text: theirs },
      // As a whole: so the server tells it.
      fields: [{ path: "spec.stages", base: [], yours: [], theirs: [] }],
    });
  const it = told(of(...moved));
  expect(it.fields).toEqual([]);
  expect(flat(resolved(it, {}))).toBe(both);
  const also = told(of("name: c, n: 7", ...moved.slice(1)));
  expect(also.fields?.map((one) => [one.path, one.base, one.yours, one.theirs])).toEqual([
    ["spec.stages[c].n", 1, 50, 7],
  ]);
  expect(flat(resolved(also, {}))).toBe(both);
});

test("an entry that one changed and one took out is asked for", () => {
  const base = "a:\n  - { name: x, n: 1 }\n  - { name: y, n: 1 }\n";
  const yours = base.replace("x, n: 1", "x, n: 2");
  const it = conflictOf("w.yaml", base, yours, { etag: "2", text: "a:\n  - { name: y, n: 1 }\n" });
  expect(it.fields?.map((one) => [one.path, one.yours, one.theirs])).toEqual([
    ["a[x]", { name: "x", n: 2 }, undefined],
  ]);
  expect(resolved(it, { "a[x]": "theirs" })).toBe("a:\n  - { name: y, n: 1 }\n");
  expect(resolved(it, { "a[x]": "yours" })).toBe(yours);
});

test("where a third one saves meanwhile, what was chosen between the same values is chosen still", () => {
  const base = "a: 1\nb: 1\nc: 1\n";
  const yours = "a: 2\nb: 2\nc: 1\n";
  const theirs = (text: string) => ({ etag: text, text });
  const first = conflictOf("w.yaml", base, yours, theirs("a: 3\nb: 3\nc: 1\n"));
  const choices = { a: "theirs", b: "yours" } as const;
  const refused = { path: "w.yaml", base: "-", yours: "-", theirs: theirs("a: 3\nb: 4\nc: 4\n") };
  const next = again(first, refused);
  expect(next.fields?.map((it) => [it.path, it.base, it.yours, it.theirs])).toEqual([
    ["a", 1, 2, 3],
    ["b", 1, 2, 4],
  ]);
  expect(stillChosen(first, next, choices)).toEqual({ a: "theirs" });
  expect(since(first, next)).toBe("It was saved once more meanwhile, with other values of b, c.");
  expect(resolved(next, { a: "theirs", b: "yours" })).toBe("a: 3\nb: 2\nc: 4\n");
  const gone = again(next, { path: "w.yaml" });
  expect([gone.theirs, gone.yours, since(next, gone)]).toEqual([
    undefined,
    yours,
    "It was deleted meanwhile.",
  ]);
  expect(since(gone, next)).toBe("Somebody wrote it anew meanwhile.");
});
