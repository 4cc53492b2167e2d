import { expect, test } from "vitest";
import { did, failedAt, keptOf } from "./did";

const counts = {
  recordsIn: 20_006,
  recordsOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  deadLetters: 6,
  ignored: 0,
  dropped: 0,
};
const none = {
  state: "waiting" as const,
  committed: 0,
  committedWithWarnings: 0,
  rolledBack: 0,
  openStreams: 0,
  counts,
};

test("it is said what was read, left out and rolled back", () => {
  expect(did(none, "file", [])).toBe("Nothing yet since it was started.");
  expect(did({ ...none, openStreams: 2 }, "stream", [])).toBe("Works on 2 streams now.");
  expect(did({ ...none, rolledBack: 1 }, "file", [])).toBe(
    "1 file rolled back: nothing of it was written.",
  );
  const all = {
    ...none,
    committed: 5,
    committedWithWarnings: 1,
  };
  const stages = [
    { id: "read", counts },
    { id: "route", counts: { ...counts, dropped: 9 } },
  ];
  expect(did(all, "file", stages)).toBe(
    "Read 20,006 records from 6 files. Of what came to stage route, its rules left out 9 records.",
  );
});

test("stages where records failed are named, the most first", () => {
  const at = (id: string, deadLetters: number) => ({ id, counts: { ...counts, deadLetters } });
  expect(failedAt([at("a", 0)])).toBe("");
  expect(failedAt([at("a", 2), at("b", 0), at("c", 4)])).toBe(", 4 at stage c, 2 at stage a");
});

test("what a rolled back stream had not published is not begun again where the workflow has failed", () => {
  const lost = { ...none, rolledBack: 11 };
  expect(did(lost, "stream", [])).toBe(
    "11 streams rolled back: what it had not published is done again.",
  );
  expect(did({ ...lost, state: "failed" }, "stream", [])).toBe(
    "11 streams rolled back: what it had not published is done again once it is started anew.",
  );
});

test("letters are said to be kept where they are there", () => {
  const all = "Each is kept with the reason, as a dead letter; all others went on.";
  expect(keptOf(0, "file", undefined)).toBe(all);
  expect(keptOf(0, "file", { letters: 90, failed: 55 })).toBe(all);
  expect(keptOf(0, "file", { letters: 5, failed: 55 })).toBe(
    "5 of their dead letters are still kept; all others went on.",
  );
  expect(keptOf(0, "file", { letters: 0, failed: 55 })).toContain("None of their dead letters");
  const lost =
    "11 streams were rolled back: nothing of them was published since the last checkpoint, and no dead letter was kept.";
  expect(keptOf(11, "stream", { letters: 0, failed: 55 })).toBe(lost);
  expect(keptOf(11, "stream", undefined)).toBe(`${lost} What else failed is kept with the reason.`);
  expect(keptOf(1, "file", { letters: 2, failed: 7 })).toBe(
    "1 file was rolled back: nothing of it was published, and no dead letter was kept. 2 dead letters of others are kept, with the reason.",
  );
});
