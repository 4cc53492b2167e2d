import { expect, test } from "vitest";
import type { Schemas } from "../../api/client";
import {
  boundsOf,
  changed,
  commands,
  isPast,
  limited,
  rules,
  said,
  seenOf,
  still,
  wanted,
} from "./draft";

const it: Schemas["ScheduledWorkflow"] = {
  workflow: "a",
  revision: 1,
  settings: { weight: 100 },
  target: 2,
  placed: 2,
  missing: 0,
  nodes: {},
  states: {},
};

test("a draft holds what is other than set, and nothing else", () => {
  const draft = changed({}, it, { target: 3 });
  expect(draft).toEqual({ a: { target: 3 } });
  expect(wanted(draft, it)).toEqual({ target: 3, isUnset: false, weight: 100 });
  expect(changed(draft, it, { target: 2 })).toEqual({});
  expect(changed(draft, it, { target: -4, weight: 0 })).toEqual({ a: { target: 0, weight: 1 } });
  expect(commands(changed(draft, it, { weight: 50 }))).toBe(
    "weir scheduler set a --target 3 --weight 50",
  );
});

test("a draft is applied to what was seen, and to nothing newer", () => {
  const schedule = { revision: 9, workflows: [it], nodes: [], drained: [], warnings: [] };
  const draft = changed({}, it, { target: 3 });
  expect(seenOf(draft, schedule)).toEqual({ a: { target: 3, revision: 1 } });
});

test("what somebody else has made so is no change any more, and what they did not stays", () => {
  const rule = { kind: "nodes" as const, name: "n1" };
  const draft = limited(changed({}, it, { target: 3, weight: 7 }), it, rule, { min: 1 });
  expect(still(draft, { workflows: [it] })).toEqual(draft);
  expect(still(draft, { workflows: [{ ...it, target: 3 }] })).toEqual({
    a: { weight: 7, nodes: { n1: { min: 1 } } },
  });
  const settings = { weight: 7, nodes: { n1: { min: 1 } } };
  expect(still(draft, { workflows: [{ ...it, target: 3, settings }] })).toEqual({});
  expect(still(draft, { workflows: [] })).toEqual(draft);
});

test("a preview is past once more was placed or other settings were made, and not before", () => {
  const seen = { a: { target: 3, revision: 1 } };
  const now = { revision: 9, workflows: [it, { ...it, workflow: "b", revision: 4 }] };
  expect(isPast({ revision: 9 }, seen, now)).toBe(false);
  expect(isPast({ revision: 10 }, seen, now)).toBe(false);
  expect(isPast({ revision: 8 }, seen, now)).toBe(true);
  const other = { ...now, workflows: [{ ...it, revision: 2 }] };
  expect(isPast({ revision: 9 }, seen, other)).toBe(true);
});

test("a target goes back to what the deployment says where somebody had set it", () => {
  expect(changed({}, it, { target: "unset" })).toEqual({});
  const set = { ...it, settings: { weight: 100, target: 2 } };
  const draft = changed({}, set, { target: "unset" });
  expect(draft).toEqual({ a: { target: "unset" } });
  expect(changed(draft, set, { weight: 7 })).toEqual({ a: { target: "unset", weight: 7 } });
  expect(commands(draft)).toBe("weir scheduler set a --target unset");
});

test("rules of nodes are drafted one by one, and an empty one takes away", () => {
  const set = { ...it, settings: { weight: 100, default: { max: 4 }, nodes: { n1: { min: 1 } } } };
  const node = { kind: "nodes" as const, name: "n1" };
  const more = limited({}, set, { kind: "default", name: "" }, { max: "unlimited" });
  const draft = limited(more, set, node, {});
  expect(draft).toEqual({ a: { default: { max: "unlimited" }, nodes: { n1: {} } } });
  expect(rules(draft, set).map(said)).toEqual(["0..∞", "n1 ·..·"]);
  expect(limited(draft, set, node, { min: 1 })).toEqual({ a: { default: { max: "unlimited" } } });
  expect(commands(draft)).toBe(
    "weir scheduler set a --min none --max unlimited && weir scheduler set a --node n1 --min none --max none",
  );
});

test("what is typed as a limit is one, or none", () => {
  expect(boundsOf({ min: "1", max: "unlimited" })).toEqual({ min: 1, max: "unlimited" });
  expect(boundsOf({ min: "", max: "" })).toEqual({});
  for (const [min, max] of [
    ["2", "1"],
    ["-1", ""],
    ["unlimited", ""],
    ["", "many"],
  ] as const)
    expect(boundsOf({ min, max })).toBeUndefined();
});
