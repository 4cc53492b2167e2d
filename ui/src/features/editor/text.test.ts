import { expect, test } from "vitest";
import { parse } from "yaml";
import { effective } from "./inherit";
import { offsetOf, type Path, parsed, pathOf, valueAt, withValue, writtenOf } from "./text";

const TEXT = `# what it is for
kind:   Source   # odd spacing
metadata: {name: a}
spec:
  file:
    directory: 'in'   # quoted
    glob: "*.csv"

    # a list
    tags:
    - x
`;

test("one value is changed, and all else stays as it was written", () => {
  const now = withValue(TEXT, ["spec", "file", "directory"], "other");
  expect(now).toBe(TEXT.replace("'in'   #", "'other' #"));
  expect(withValue(TEXT, ["spec", "file", "interval"], "5s")).toBe(`${TEXT}    interval: 5s\n`);
});

test("what is taken out goes with what was there for it alone", () => {
  const text = "a: 1\nspec:\n  file:\n    done: { directory: d }\n    glob: x\n";
  expect(withValue(text, ["spec", "file", "done", "directory"], undefined)).toBe(
    "a: 1\nspec:\n  file:\n    glob: x\n",
  );
});

test("entries of lists are found by name, and made where they are missing", () => {
  const text = "spec:\n  stages:\n    - name: read\n      source: s\n";
  expect(withValue(text, ["spec", "stages", { name: "read" }, "source"], "t")).toContain(
    "source: t",
  );
  expect(withValue(text, ["spec", "stages", { name: "new" }, "sink"], "t")).toBe(
    `${text}    - name: new\n      sink: t\n`,
  );
  expect(withValue("spec:\n", ["spec", "stages", { name: "a" }, "sink"], "t")).toBe(
    "spec:\n  stages:\n    - name: a\n      sink: t\n",
  );
});

test("a text that can't be read is told with its place, and left alone", () => {
  const text = "a: [1\nb: 2\n";
  expect(parsed(text).problem?.line).toBeGreaterThan(0);
  expect(withValue(text, ["b"], 3)).toBe(text);
});

test("paths are read as the server writes them", () => {
  expect(pathOf("spec.stages[2].filter")).toEqual(["spec", "stages", 2, "filter"]);
  expect(pathOf("spec.stages[a.b].source")).toEqual(["spec", "stages", { name: "a.b" }, "source"]);
  const text = "spec:\n  stages:\n    - name: read\n";
  const at = offsetOf(text, pathOf("spec.stages[read].name"));
  expect(text.slice(at)).toBe("read\n");
  expect(valueAt(parsed(text).value, pathOf("spec.stages[0].name"))).toBe("read");
});

test("a path is read as it is written, whatever its keys and names are made of", () => {
  const path = ["spec", { name: "a.b" }, "set", 'to."code"', { name: "a]b" }, { name: "7" }, 7];
  expect(pathOf(writtenOf(path))).toEqual(path);
  expect(writtenOf(["set", "to.code"])).toBe('set."to.code"');
});

test("an asset is like its parent but for what it says itself", () => {
  const parent = { file: { a: 1, b: { c: 2 } }, stages: [{ name: "x", n: 1 }, { name: "y" }] };
  const own = {
    file: { a: null, b: { d: 3 } },
    stages: [{ name: "y", removed: true }, { name: "z" }],
  };
  expect(effective("Workflow", parent, own)).toEqual({
    file: { b: { c: 2, d: 3 } },
    stages: [{ name: "x", n: 1 }, { name: "z" }],
  });
  expect(effective("Source", { file: { a: 1 } }, { tcp: { b: 2 } })).toEqual({ tcp: { b: 2 } });
  // One that says nothing yet is all that its parent is.
  expect(effective("Source", { file: { a: 1 } }, {})).toEqual({ file: { a: 1 } });
});

test("what an edit says of its text is what the text says, edit after edit", () => {
  const hand = "spec:\n  # kept\n  stages:\n  - name: a\n\n  - {name: b,   from: a}\n";
  for (const first of [hand, "spec:\n  stages:\n    - name: a\n    - name: b\n"]) {
    const edits: [Path, unknown][] = [
      [
        ["spec", "stages", { name: "b" }, "from"],
        ["a", "x: y"],
      ],
      [["spec", "stages", { name: "c" }, "sink"], { file: { name: "stream\n#" } }],
      [["spec", "stages", { name: "a" }, "note"], "- one\n- two"],
      [["spec", "stages", { name: "b" }, "from"], undefined],
      [["spec", "more"], null],
    ];
    const end = edits.reduce((text, [path, value]) => {
      const now = withValue(text, path, value);
      expect(parsed(now).value).toEqual(parse(now));
      expect(parsed(text).value).toEqual(parse(text));
      return now;
    }, first);
    expect(offsetOf(end, ["spec", "stages", { name: "c" }, "sink"])).toBe(end.indexOf("file:"));
  }
});
