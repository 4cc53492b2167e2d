import { expect, test } from "vitest";
import type { Schemas } from "../../api/client";
import { NO_COUNTS } from "../../logic/counts.fixture";
import { command, fields, inOrder, nameOf, spotId, spots } from "./spots";

const stage = (id: string, role: Schemas["StageRole"]): Schemas["Stage"] => ({
  id,
  role,
  kind: role,
  onError: "deadLetter",
  counts: NO_COUNTS,
});

test("records can be looked at on each edge, before and behind each stage", () => {
  const all = spots(
    [stage("read", "source"), stage("route", "operator"), stage("write", "sink")],
    [
      { from: "read", port: "out", to: "route" },
      { from: "route", port: "late", to: "write" },
    ],
  );
  expect(all.map(nameOf)).toEqual([
    "read → route",
    "route.late → write",
    "what comes to route",
    "what comes to write",
    "what leaves read",
    "what leaves route",
  ]);
  expect(new Set(all.map(spotId)).size).toBe(all.length);
});

test("commands look at the same place", () => {
  const edge = { stage: "route", side: "out" as const, port: "late", to: "write" };
  expect(command("w", edge, "delay > 60 AND name = 'x'")).toBe(
    "weir tap w 'route.late->write' --filter 'delay > 60 AND name = '\\''x'\\'''",
  );
  expect(command("w", { stage: "route", side: "in" }, "", "id")).toBe(
    "weir stream sniff w route --in --stream id",
  );
});

test("columns are all fields that some record has", () => {
  expect(
    fields([
      { a: 1, b: 2 },
      { b: 1, c: 2 },
    ]),
  ).toEqual(["a", "b", "c"]);
});

test("records that were caught stand by stream, the last of each first", () => {
  const of = (stream: string, position: number) => ({ stream, position });
  const caught = [of("a", 7), of("a", 9), of("b", 1), of("a", 8)];
  expect(inOrder(caught)).toEqual([of("b", 1), of("a", 9), of("a", 8), of("a", 7)]);
});
