import { expect, test } from "vitest";
import type { Schemas } from "../../api/client";
import { changed, commands, seenOf, wanted } from "./draft";

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
  expect(wanted(draft, it)).toEqual({ target: 3, weight: 100 });
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
