import { expect, test } from "vitest";
import { linesOf, stageAt } from "./lines";

const TEXT = `kind: Workflow
spec:
  stages:
    - name: read
      source: files

    # Where it goes.
    - name: write
      from: read
      sink: { devNull: {} }
  retry: {}
`;

test("each stage is found by any place in its lines, and nothing else is one", () => {
  const all = linesOf(TEXT);
  expect(all.map((it) => it.stage)).toEqual(["read", "write"]);
  const at = (word: string) => stageAt(all, TEXT, TEXT.indexOf(word));
  expect(at("- name: read")).toBe("read");
  expect(at("source")).toBe("read");
  expect(stageAt(all, TEXT, TEXT.indexOf("files") + 5)).toBe("read");
  expect(at("devNull")).toBe("write");
  expect(at("# Where")).toBeUndefined();
  expect(at("kind")).toBeUndefined();
  expect(at("retry")).toBeUndefined();
});

test("a text that can't be read has no stages", () => {
  expect(linesOf("spec: [")).toEqual([]);
});
