import { expect, test } from "vitest";
import { noted } from "./alarms";
import type { Known, Trouble } from "./health";

const trouble = (id: string): Trouble => ({
  id,
  tone: "warn",
  what: id,
  why: "is wrong",
  where: { to: "scheduler" },
});
const all = {
  members: {},
  workflows: { items: [] },
  leases: {},
  schedule: {},
  activations: {},
} as unknown as Known;

test("an alarm is raised once, cleared when it is gone, and raised anew when it comes back", () => {
  const raised = noted([], all, [trouble("a")], 1);
  expect(noted(raised, all, [trouble("a")], 2)).toEqual(raised);
  const cleared = noted(raised, all, [], 3);
  expect(cleared).toMatchObject([{ number: 1, raisedAt: 1, clearedAt: 3 }]);
  expect(noted(cleared, all, [trouble("a")], 4)).toMatchObject([
    { number: 2, raisedAt: 4 },
    { number: 1, clearedAt: 3 },
  ]);
});

test("what can't be seen is not cleared", () => {
  const raised = noted([], all, [trouble("a")], 1);
  const { schedule: _, ...less } = all;
  expect(noted(raised, less, [], 2)).toEqual(raised);
  const unseen = [{ what: "leases" as const, why: "no answer" }];
  expect(noted(raised, { ...all, unseen }, [], 2)).toEqual(raised);
});

test("what may still be so is not cleared", () => {
  const raised = noted([], all, [trouble("bad/a")], 1);
  const workflows = {
    items: [{ name: "a", state: "waiting", counts: { recordsIn: 10, deadLetters: 1 } }],
  };
  const known = { ...all, workflows } as unknown as Known;
  expect(noted(raised, known, [], 2)).toEqual(raised);
  expect(noted(raised, { ...known, bad: { a: 0 } }, [], 2)[0]?.clearedAt).toBe(2);
});
