import { expect, test } from "vitest";
import { NO_COUNTS } from "../../logic/counts.fixture";
import { isGap, left, merged, passed, type Stream } from "./streams";

const stream = (id: string, closedAt?: string): Stream => ({
  id,
  closedAt,
  item: id,
  workflow: "w",
  node: "n",
  instance: 0,
  attempts: 1,
  state: closedAt ? "committed" : "open",
  openedAt: "2026-01-01T00:00:00Z",
  counts: NO_COUNTS,
});
const END = "2026-01-01T00:00:01Z";

test("each stream stands once, as it was told last", () => {
  const rows = merged([stream("1"), stream("2")], [stream("3"), stream("2", END)]);
  expect(rows.map((it) => [it.id, it.state])).toEqual([
    ["3", "open"],
    ["2", "committed"],
    ["1", "open"],
  ]);
});

test("what the newest pushed out of the list is kept", () => {
  expect(passed([stream("1"), stream("2")], [stream("3"), stream("2")])).toHaveLength(3);
});

test("streams that nobody saw leave a gap", () => {
  expect(isGap([stream("1"), stream("2")], [stream("3"), stream("2")])).toBe(false);
  expect(isGap([stream("1"), stream("2")], [stream("4"), stream("3")])).toBe(true);
  expect(isGap([], [stream("1")])).toBe(false);
});

test("what is open beyond the newest is to be followed by itself", () => {
  const rows = [stream("3"), stream("2", END), stream("1")];
  expect(left(rows, [stream("3")]).map((it) => it.id)).toEqual(["1"]);
});
