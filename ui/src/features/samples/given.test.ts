import { expect, test } from "vitest";
import { BYTES_MAX, base64, givenBy, isEmpty, NOTHING, sent, unfit } from "./given";

const bytes = (text: string) => new TextEncoder().encode(text);

test("a file is shown where it is a text of a size that can be, and sent as it is elsewhere", () => {
  expect(givenBy("a.csv", bytes("id\n1\n"))).toEqual({ text: "id\n1\n", name: "a.csv" });
  const packed = givenBy("a.gz", new Uint8Array([0x1f, 0x8b, 0xff]));
  expect(packed.file?.name).toBe("a.gz");
  expect(sent("read", packed)).toEqual({ source: "read", item: "a.gz", base64: "H4v/" });
  expect(givenBy("a.bin", new Uint8Array([65, 0, 66])).file).toBeDefined();
  expect(givenBy("large.csv", bytes("x".repeat(300_000))).file).toBeDefined();
});

test("what is sent says the source, and the item where there was a file", () => {
  expect(sent("read", { text: "id\n1\n" })).toEqual({ source: "read", text: "id\n1\n" });
  expect(sent("read", { text: '{"a":1}\n\n{"a":2}\n', isLines: true })).toEqual({
    source: "read",
    records: [{ a: 1 }, { a: 2 }],
  });
});

test("what can't be sent says why, and in which line", () => {
  expect(unfit(NOTHING)).toBeUndefined();
  expect(unfit({ text: "x".repeat(BYTES_MAX) })).toBeUndefined();
  expect(unfit({ text: "x".repeat(BYTES_MAX + 1) })).toMatch(/larger than 4 MiB/);
  // Bytes are counted, not characters.
  expect(unfit({ text: "é".repeat(BYTES_MAX / 2 + 1) })).toMatch(/larger/);
  expect(unfit({ text: '{"a":1}\n[1]', isLines: true })).toBe("Line 2 is no JSON object");
  expect(unfit({ text: '{"a":1}\n\n{', isLines: true })).toBe("Line 3 is no JSON");
  expect(unfit({ text: "{" })).toBeUndefined();
  expect(isEmpty({ text: " \n" })).toBe(true);
});

test("base64 is that of all bytes, however many", () => {
  const all = Uint8Array.from({ length: 100_000 }, (_, it) => it % 256);
  expect(base64(all)).toBe(Buffer.from(all).toString("base64"));
});
