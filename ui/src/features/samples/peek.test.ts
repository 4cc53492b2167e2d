import { describe, expect, it } from "vitest";
import { parsed } from "../editor/text";
import { command, guessing, isSaid, meant, named, question, readings, stageOf } from "./peek";

const PEEKING = {
  workflow: "orders",
  source: "read",
  environment: "prod",
  records: "100",
  withinMs: "5000",
  as: null,
};
const SPEC = {
  stages: [
    { name: "other", source: { generator: {} } },
    { name: "read", source: "order-files" },
    { name: "write", from: "read", sink: { devNull: {} } },
  ],
};

describe("a look at a source", () => {
  it("is of the stage whose format it is, or that names the asset", () => {
    const all = readings(SPEC);
    expect(all).toEqual([
      { stage: "other", asset: undefined },
      { stage: "read", asset: "order-files" },
    ]);
    const at = ["spec", "stages", { name: "read" }, "source", "file", "format"];
    expect(stageOf(at)).toBe("read");
    expect(meant(all, at, undefined)).toBe("read");
    expect(meant(all, [], "order-files")).toBe("read");
    expect(meant(all, [], undefined)).toBe("other");
    expect(meant([], [], undefined)).toBe("");
  });

  it("guesses all of what is not said, in the text as it is typed", () => {
    const text = "spec:\n  file:\n    directory: in # here\n    format: { type: csv }\n";
    const open = guessing(text, ["spec", "file", "format"]);
    expect(open).toContain("directory: in # here");
    expect(open).toContain("type: raw");
    expect(open).not.toContain("csv");
    expect([undefined, {}, "", { type: "csv" }, "orders"].map(isSaid)).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
  });

  it("leaves out what is behind the source of a workflow, which may need its fields", () => {
    const text = `spec:
  stages:
    - name: read # here
      source: { nats: { subject: orders, format: { type: json } } }
    - { name: sum, from: read, processor: { mapping: { set: { sum: "a + b" } } } }
`;
    const at = ["spec", "stages", { name: "read" }, "source", "nats", "format"];
    const { stages } = (parsed(guessing(text, at)).value as { spec: { stages: object[] } }).spec;
    expect(stages).toEqual([
      { name: "read", source: { nats: { subject: "orders", format: { type: "raw" } } } },
      { name: "read-only", from: "read", sink: { devNull: {} } },
    ]);
  });

  it("asks for what was chosen, or for nothing but whether it is there", () => {
    const more = { drafts: [], name: "orders", required: false };
    expect(question(PEEKING, more)).toEqual({
      ...more,
      source: "read",
      environments: ["prod"],
      records: 100,
      show: 5,
      withinMs: 5_000,
    });
    const known = { type: "csv", delimiter: ";" } as never;
    expect(question(PEEKING, { ...more, known })).toMatchObject({ format: known });
    const as = (it: string) => question({ ...PEEKING, as: it }, { ...more, known }).format;
    expect([as("json"), as("guessed")]).toEqual([{ type: "json" }, undefined]);
    expect(question(PEEKING, { ...more, records: 0 })).toMatchObject({ records: 0, show: 0 });
    expect(command("shop", PEEKING, "orders")).toBe(
      "weir schema infer --project shop --workflow orders --source read --environment prod --name orders --records 100 --timeout 5s",
    );
  });

  it("is written under another name as it was shown", () => {
    const text = "# a comment\nkind: Format\nmetadata: { name: inferred }\n";
    const found = { path: "formats/inferred.yaml", text, fields: [], records: 1, bad: 0 };
    const made = named({ ...found, reasons: [] }, "orders");
    expect(made.path).toBe("formats/orders.yaml");
    expect(made.text).toContain("# a comment");
    expect(made.text).toContain("name: orders");
  });
});
