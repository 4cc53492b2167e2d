import { expect, test } from "vitest";
import { STILL } from "../../live/history";
import { NO_COUNTS } from "../../logic/counts.fixture";
import { edgeSaid, stageSaid } from "./said";

const STAGE = {
  id: "derive",
  role: "operator",
  kind: "filterRoute",
  onError: "deadLetter",
  counts: { ...NO_COUNTS, recordsIn: 12_345, recordsOut: 20, deadLetters: 2, ignored: 1 },
} as const;

test("a stage says what it is, how much passes and what fails there", () => {
  expect(stageSaid(STAGE, { ...STILL, recordsIn: 40 })).toBe(
    "Stage derive, filter route, 40/s, 12.3K in, 20 out, 3 bad records",
  );
});

test("a rate that is not known yet is not said", () => {
  expect(stageSaid({ ...STAGE, counts: NO_COUNTS })).toBe(
    "Stage derive, filter route, 0 in, 0 out, no bad records",
  );
});

test("a source is told by what leaves it, and its time where it is known", () => {
  const source = { ...STAGE, role: "source", counts: NO_COUNTS } as const;
  const flow = { ...STILL, recordsOut: 7 };
  expect(stageSaid(source, flow, { busy: 0.2, blocked: 0.75 })).toBe(
    "Stage derive, filter route, 7.0/s, 0 in, 0 out, no bad records, 75 % held up, 20 % busy",
  );
});

test("an edge says where it leads, and by which port", () => {
  expect(edgeSaid({ from: "read", port: "out", to: "route" })).toBe("Records from read to route");
  expect(edgeSaid({ from: "route", port: "late", to: "write" })).toBe(
    "Records from route, port late, to write",
  );
});
