import { expect, test } from "vitest";
import { awayOf, type Cluster, lostOf, nodesOf, sentence, standingOf } from "./standing";

const of = (name: string, standing: object | null): Cluster =>
  ({ name, standing: standing && { reachable: true, trusts: true, ...standing } }) as Cluster;

test("the cluster of the page is away where its server does not reach it", () => {
  const of = (standing: unknown) =>
    awayOf([{ name: "default", standing } as unknown as Cluster], "default");
  expect(of({ reachable: true })).toBeUndefined();
  expect(of({ reachable: false, cause: "it is silent" })).toMatchObject({ cause: "it is silent" });
  expect(awayOf([], "default")).toBeUndefined();
});

test("a cluster is what was found last, with its cause", () => {
  expect(standingOf(of("a", null)).state).toBe("notLookedAt");
  expect(standingOf(of("a", {})).state).toBe("up");
  expect(standingOf(of("a", { reachable: false, cause: "refused" }))).toEqual({
    state: "unreachable",
    cause: "refused",
  });
  expect(standingOf(of("a", { trusts: false })).state).toBe("untrusted");
  expect(standingOf(of("a", { cause: "another cluster answers there" })).state).toBe("unusable");
});

test("the sentence says what is wrong, and else that nothing is", () => {
  const up = of("east", { nodesUp: 2, nodes: 2, version: "1" });
  expect(sentence([up])).toBe("1 cluster, and all is well.");
  const short = of("west", { nodesUp: 1, nodes: 3, version: "2" });
  const gone = of("north", { reachable: false });
  expect(sentence([up, short, gone])).toBe(
    "north can’t be used; west misses nodes; 2 versions of Weir are in use.",
  );
  expect([nodesOf(up), nodesOf(short), nodesOf(gone)]).toEqual(["2 up", "1 of 3 up", "–"]);
});

test("another cluster that can't be used is a trouble, the one that is looked at is none of these", () => {
  const gone = of("north", { reachable: false, cause: "refused", since: "2026-01-01T00:00:00Z" });
  const all = [of("east", {}), gone, of("new", null)];
  const since = Date.parse("2026-01-01T00:00:00Z");
  expect(lostOf(all, "east")).toEqual([{ name: "north", cause: "refused", since }]);
  expect(lostOf(all, "north")).toEqual([]);
});
