import { expect, it } from "vitest";
import { byFate, type Move, sentence } from "./drain";

const move = (workflow: string, number: number, to: string | null): Move => ({
  workflow,
  number,
  to,
  why: "because",
});

it("shows first what has no place, and counts it", () => {
  const all = [move("b", 2, "n2"), move("a", 10, "n3"), move("c", 1, null), move("a", 2, "n2")];
  expect(byFate(all).map((it) => `${it.workflow}${it.number}`)).toEqual(["c1", "a2", "a10", "b2"]);
  expect(sentence("drain", all)).toBe(
    "▲ 3 instances start on 2 other nodes; 1 instance has no place and runs nowhere until there is one.",
  );
  expect(sentence("drain", [move("a", 1, null), move("a", 2, null)])).toBe(
    "▲ 2 instances have no place and run nowhere until there is one.",
  );
  expect(sentence("drain", [move("a", 1, "n2")])).toBe("1 instance starts on 1 other node.");
  expect(sentence("undrain", [])).toBe("Nothing starts or ends by it.");
});
