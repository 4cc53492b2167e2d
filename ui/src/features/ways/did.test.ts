import { expect, test } from "vitest";
import { did, failedAt } from "./did";

const counts = {
  recordsIn: 20_006,
  recordsOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  deadLetters: 6,
  ignored: 0,
  dropped: 0,
};
const none = { committed: 0, committedWithWarnings: 0, rolledBack: 0, openStreams: 0, counts };

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
