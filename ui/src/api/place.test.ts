import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { addressAt, isOfServer, placeOf } from "./place";

test("the address says which cluster the page is about", () => {
  expect(placeOf("/nodes").cluster).toBeUndefined();
  expect(placeOf("/at/east/nodes")).toMatchObject({ cluster: "east", base: "/at/east" });
  expect(addressAt("east", "/nodes?x=1")).toBe("/at/east/nodes?x=1");
  expect(addressAt(undefined, "/nodes")).toBe("/nodes");
});

test("what engines answer is asked of that cluster, and nothing else is", () => {
  const document = JSON.parse(readFileSync("../schemas/openapi/config-server.json", "utf8"));
  const { asked } = placeOf("/at/east/");
  for (const [path, ways] of Object.entries<Record<string, { responses?: object }>>(
    document.paths,
  )) {
    // What is passed on may fail as only that can.
    const isPassedOn = Object.values(ways).some((it) => "502" in (it.responses ?? {}));
    const expected = isPassedOn ? path.replace("/api/v1/", "/api/v1/clusters/east/") : path;
    expect(asked(path)).toBe(expected);
  }
  expect(placeOf("/").asked("/api/v1/nodes")).toBe("/api/v1/nodes");
});

test("commands that the server answers itself name no cluster, all others do", () => {
  const OWN = [
    "weir session end-all ada",
    "weir session list",
    "weir schema infer FILE",
    "weir schema infer --project shop --workflow orders",
    "weir fleet list",
    "weir project branch list shop",
    "weir deploy shop --plan",
    "weir test run orders --project DIR --sample FILE",
    "weir logs --follow --config-server",
    "weir audit list",
    "weir role delete reader",
    "weir token revoke 1",
    "weir user create ada",
    "weir operation show 1",
  ];
  const CLUSTERS = [
    "weir logs --follow",
    "weir scheduler show",
    "weir deployment list",
    "weir stream list",
    "weir workflow list",
    "weir secret encrypt NAME --project shop",
    "weir key list",
    "weir alarm list",
    "weir node list",
    "weir access sources",
  ];
  expect(OWN.filter((it) => !isOfServer(it))).toEqual([]);
  expect(CLUSTERS.filter(isOfServer)).toEqual([]);
});
