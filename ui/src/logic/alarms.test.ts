import { expect, test } from "vitest";
import {
  counted,
  inOrder,
  isOf,
  isPart,
  joined,
  lastedMs,
  newsOf,
  said,
  tally,
  textOf,
  timesOf,
  whereOf,
} from "./alarms";
import { alarm } from "./alarms.fixture";

const confirmation = { by: "ada", at: "2026-01-01T00:10:00Z", note: "on my way" };

test("the worst stands first, of these what nobody has confirmed, and then the newest", () => {
  const all = [
    alarm("1", { severity: "info" }),
    alarm("2", { severity: "error", confirmation }),
    alarm("3", { severity: "warning" }),
    alarm("4", { severity: "error" }),
    alarm("9", { severity: "error" }),
    alarm("10", { severity: "error" }),
    alarm("5", { severity: "error", raisedAt: "2026-01-02T00:00:00Z" }),
  ];
  expect(inOrder(all).map((it) => it.id)).toEqual(["5", "10", "9", "4", "2", "3", "1"]);
});

test("severities are chosen by a list of the address", () => {
  const warning = alarm("1", { severity: "warning" });
  expect(isOf(warning, undefined)).toBe(true);
  expect(isOf(warning, "error,warning")).toBe(true);
  expect(isOf(warning, "error")).toBe(false);
});

test("an alarm is found by what it says and by who has seen it", () => {
  const text = textOf(alarm("1", { confirmation }));
  for (const it of ["node-2", "can't be reached", "WEIR-14001", "ada", "on my way"])
    expect(text).toContain(it);
});

test("a message is told in two parts where it begins with its subject", () => {
  expect(said(alarm("1"))).toEqual({ what: "node-2", why: "can't be reached, says node-1" });
  const of = (name: string, message: string) =>
    said(alarm("1", { subject: { kind: "controller", name }, message }));
  expect(of("streams", "streams: its journal is full")).toEqual({
    what: "streams",
    why: "– its journal is full",
  });
  const database = "the database can't be used: no route";
  expect(of("database", database)).toEqual({ what: database, why: "" });
  expect(of("node", "node-2 is gone")).toEqual({ what: "node-2 is gone", why: "" });
});

test("each alarm leads to where something can be done about it", () => {
  const to = (kind: string, of: string, name = "a") =>
    whereOf({ kind, subject: { kind: of as "node", name } });
  expect(to("node-unreachable", "node")).toEqual({ to: "node", name: "a" });
  expect(to("activation-failed", "node")).toEqual({ to: "deployments" });
  expect(to("workflow-fault", "workflow")).toEqual({ to: "workflow", name: "a" });
  expect(to("workflow-unplaced", "workflow")).toEqual({ to: "scheduler", workflow: "a" });
  expect(to("streams-paused", "workflow")).toEqual({ to: "paused", workflow: "a" });
  expect(to("dead-letters", "workflow")).toEqual({ to: "letters", workflow: "a" });
  expect(to("controller-missing", "controller")).toEqual({ to: "cluster" });
  expect(to("store-unreachable", "cluster", "database")).toEqual({ to: "cluster" });
  expect(to("of-later", "moon")).toBeUndefined();
});

test("how long it lasted and how often it came", () => {
  expect(lastedMs(alarm("1"))).toBeUndefined();
  expect(lastedMs(alarm("1", { clearedAt: "2026-01-01T00:00:05Z" }))).toBe(5_000);
  expect([timesOf(alarm("1")), timesOf(alarm("1", { count: 3 }))]).toEqual([
    "raised once",
    "raised 3 times",
  ]);
});

test("a badge counts as the page does, in the colour of the worst", () => {
  expect(tally({ error: 0, warning: 0, info: 0 })).toBeUndefined();
  expect(tally({ error: 1, warning: 2, info: 4 })).toEqual({
    count: 7,
    tone: "err",
    text: "1 error, 2 warnings, 4 notes",
  });
  expect(tally({ error: 0, warning: 0, info: 2 })).toMatchObject({ count: 2, tone: "info" });
  expect(counted({ error: 0, warning: 1, info: 0 })).toBe("1 warning");
});

test("there is news when an alarm comes, goes or is confirmed, and none by another order", () => {
  const none = { error: 0, warning: 0, info: 0 };
  const counts = { standing: none, unconfirmed: none, endedUnconfirmed: none };
  const of = (ids: string[], more = {}) =>
    newsOf({ items: ids.map((it) => alarm(it)), counts: { ...counts, ...more }, unjudged: [] });
  expect(of(["1", "2"])).toBe(of(["2", "1"]));
  expect(of(["1"])).not.toBe(of(["1", "2"]));
  expect(of(["1"])).not.toBe(of(["1"], { endedUnconfirmed: { ...none, info: 1 } }));
});

test("of more than are followed, what was asked for beside them is there once", () => {
  const [one, two, asked] = [alarm("1"), alarm("2"), alarm("2", { count: 9 })];
  expect(joined([one, two], [asked, alarm("3")]).map((it) => [it.id, it.count])).toEqual([
    ["1", 1],
    ["2", 1],
    ["3", 1],
  ]);
  const counts = (error: number) => ({ error, warning: 0, info: 0 });
  const of = (standing: number) => ({
    items: [one, two],
    counts: { standing: counts(standing), unconfirmed: counts(0), endedUnconfirmed: counts(0) },
  });
  expect([isPart(of(2)), isPart(of(3))]).toEqual([false, true]);
});
