import { expect, test } from "vitest";
import { completions, keysAbove } from "./complete";
import { schemaOf } from "./schema";

const TEXT = `apiVersion: weir/v1
kind: Workflow
spec:
  stages:
    - name: read
      source:
        file:
          directory: in
    - name: map
      onError: |`;

const labels = async (text: string) => {
  const at = text.indexOf("|");
  const found = completions(await schemaOf("Workflow"), text.replace("|", ""), at, true);
  return found?.options.map((it) => it.label) ?? [];
};

test("the keys above a place are found by how far it is set in", () => {
  const text = "a:\n  b:\n  - c: 1\n    d:\n      ";
  expect(keysAbove(text, text.length)).toEqual(["a", "b", 0, "d"]);
  expect(keysAbove("a:\n  - x: 1\n  - ", 15)).toEqual(["a", 0]);
});

test("what may stand at a place is offered", async () => {
  expect(await labels(TEXT)).toEqual(["rollback", "deadLetter", "ignore"]);
  expect(await labels(TEXT.replace("onError: |", "|"))).toContain("processor");
  const files = await labels(TEXT.replace("directory: in", "directory: in\n          |"));
  expect(files).toContain("interval");
  expect(await labels("kind: Workflow\n|")).toContain("spec");
});
