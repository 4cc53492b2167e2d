import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import type { Alarm } from "./alarms";
import { alarm } from "./alarms.fixture";
import { NO_COUNTS } from "./counts.fixture";
import { asThen, isNote, type Known, sentence, troubles } from "./health";

const member = (name: string, more: Partial<Schemas["Member"]> = {}): Schemas["Member"] => ({
  name,
  uid: name,
  address: "",
  rest: "",
  roles: [],
  version: "1",
  status: "up",
  unreachable: false,
  upNumber: 1,
  joinedAt: "2026-01-01T00:00:00Z",
  changedAt: "2026-01-01T00:00:00Z",
  reason: "heartbeats are missing",
  ...more,
});
const members = (...all: Schemas["Member"][]) => ({
  cluster: "weir",
  node: { name: "n1", uid: "n1" },
  version: 1,
  members: all,
});
const workflow = (
  name: string,
  more: Partial<Schemas["WorkflowSummary"]> = {},
): Schemas["WorkflowSummary"] => ({
  name,
  project: "p",
  state: "waiting",
  instances: 1,
  openStreams: 0,
  committed: 0,
  committedWithWarnings: 0,
  rolledBack: 0,
  counts: NO_COUNTS,
  startedAt: "2026-01-01T00:00:00Z",
  ...more,
});
const said = (known: Known) => sentence(known, troubles(known));
const none = { error: 0, warning: 0, info: 0 };
const alarms = (...items: Alarm[]): Schemas["Alarms"] => ({
  items,
  counts: { standing: none, unconfirmed: none, endedUnconfirmed: none },
  unjudged: [],
});
const well = {
  alarms: alarms(),
  leases: { items: [] },
  schedule: { revision: 1, workflows: [], nodes: [], drained: [], warnings: [] },
  activations: { items: [] },
};

test("nothing is claimed before anything is known", () => {
  expect(said({})).toMatchObject({ tone: "idle", text: "Looking at the cluster …" });
});

test("a healthy cluster says what it does", () => {
  const known = {
    ...well,
    members: members(member("n1")),
    workflows: { items: [workflow("a", { openStreams: 2 })] },
  };
  expect(said(known)).toEqual({
    tone: "ok",
    text: "Healthy: 1 node up, 1 workflow running, 2 streams open.",
  });
});

test("a cluster that waits says what it has read", () => {
  const counts = { ...NO_COUNTS, recordsIn: 12_345 };
  const of = (...items: Schemas["WorkflowSummary"][]) =>
    said({ ...well, members: members(member("n1")), workflows: { items } }).text;
  expect(of(workflow("a"))).toMatch(/1 workflow running, waiting for input\.$/);
  expect(of(workflow("a", { counts }))).toMatch(/waiting for input after 12,345 records\.$/);
});

test("nothing is called healthy while a part of it was not seen", () => {
  const known = { ...well, members: members(member("n1")), workflows: { items: [workflow("a")] } };
  const { schedule: _, ...less } = known;
  expect(said(less)).toMatchObject({ tone: "idle", text: "Looking at the cluster …" });
  const unseen = [{ what: "schedule" as const, why: "The claim schedule:read is missing." }];
  expect(said({ ...less, unseen })).toEqual({
    tone: "idle",
    text: "Not known: the schedule can't be seen. The claim schedule:read is missing.",
  });
  expect(said({ ...known, unseen }).tone).toBe("idle");
});

test("a node that gives no answer is a problem, and is told once", () => {
  const workflows = {
    items: [workflow("a", { unreached: ["n2"] }), workflow("b", { unreached: ["n2"] })],
  };
  const known = { ...well, members: members(member("n1"), member("n2")), workflows };
  expect(said(known).text).toBe(
    "Degraded: n2 gives no answer: what it runs and counts is not known.",
  );
  const lost = { ...known, members: members(member("n1"), member("n2", { unreachable: true })) };
  expect(troubles(lost).map((it) => it.id)).toEqual(["node-unreachable:n2"]);
});

test("the worst stands first and in the sentence", () => {
  const fault = { code: "WEIR-1", kind: "transient" as const, message: "the directory is gone" };
  const known = {
    members: members(member("n1"), member("n2", { unreachable: true })),
    workflows: { items: [workflow("a", { fault })] },
  };
  expect(troubles(known).map((it) => it.id)).toEqual(["node-unreachable:n2", "workflow-fault:a"]);
  expect(said(known).text).toBe("Impaired: n2 can't be reached, and 1 more problem.");
});

test("a node that can't be reached is a problem since the cluster found so", () => {
  const at = "2026-01-02T03:04:05Z";
  const far = member("n2", { unreachable: true, unreachableSince: at });
  const [trouble] = troubles({ ...well, members: members(member("n1"), far) });
  expect(trouble).toMatchObject({ id: "node-unreachable:n2", since: Date.parse(at) });
  // An older engine does not say: then it is since it was seen, and not since it came up.
  const older = member("n2", { unreachable: true });
  expect(troubles({ members: members(member("n1"), older) })[0]?.since).toBeUndefined();
});

test("many bad records in the last minute are a problem", () => {
  const known = { ...well, members: members(member("n1")), workflows: { items: [workflow("a")] } };
  expect(said({ ...known, bad: { a: 0.004 } }).tone).toBe("ok");
  expect(said({ ...known, bad: { a: 0.12 } }).text).toBe(
    "Degraded: a sends 12 % of its records to the dead letters.",
  );
});

test("an instance that is missing says why", () => {
  const missing = {
    workflow: "a",
    revision: 1,
    settings: { weight: 100 },
    target: 3,
    placed: 1,
    missing: 2,
    nodes: {},
    states: {},
    reasons: [{ code: "x", detail: "at its maximum", nodes: 1 }],
  };
  const schedule = { revision: 1, workflows: [missing], nodes: [], drained: [], warnings: [] };
  const [trouble] = troubles({ schedule });
  expect(trouble).toMatchObject({
    tone: "warn",
    why: "2 instances of 3 can't be placed",
    hint: "at its maximum",
  });
});

test("what was rolled back and is wanted still is told without alarm", () => {
  const gone = {
    workflow: "a",
    revision: 1,
    settings: { weight: 100 },
    target: 2,
    placed: 0,
    missing: 2,
    nodes: {},
    states: {},
    reasons: [{ code: "not-deployed", detail: "x", nodes: 1 }],
  };
  const schedule = { revision: 1, workflows: [gone], nodes: [], drained: [], warnings: [] };
  expect(troubles({ schedule })[0]).toMatchObject({
    tone: "warn",
    why: "is wanted 2 times, and no node has it deployed",
  });
});

test("a cluster that is lost elsewhere is told, and makes this one no worse", () => {
  const known = {
    members: { members: [{ name: "n", status: "up" }] },
    workflows: { items: [] },
    leases: { items: [] },
    schedule: { workflows: [] },
    activations: { items: [] },
    alarms: alarms(),
    lost: [{ name: "moon", cause: "no answer" }],
  } as unknown as Known;
  const all = troubles(known);
  expect(all).toMatchObject([{ tone: "warn", what: "Cluster moon", where: { to: "fleet" } }]);
  expect(sentence(known, all)).toEqual({
    tone: "warn",
    text: "Healthy: 1 node up, and nothing deployed yet. Elsewhere, moon can't be used.",
  });
});

test("nothing is called healthy while its records may go to the dead letters", () => {
  const counts = { ...NO_COUNTS, recordsIn: 200, deadLetters: 20 };
  const workflows = { items: [workflow("a", { counts })] };
  const known = { ...well, members: members(member("n1")), workflows };
  expect(said({ ...known, bad: { a: undefined } })).toMatchObject({
    tone: "idle",
    text: "Looking at a, which sent 10 % of its records to the dead letters so far …",
  });
  expect(said({ ...known, bad: { a: 0 } }).tone, "it was mended since").toBe("ok");
  const few = { ...NO_COUNTS, recordsIn: 20_006, deadLetters: 6 };
  const well6 = { ...known, workflows: { items: [workflow("a", { counts: few })] } };
  expect(said({ ...well6, bad: { a: undefined } }).tone, "a few are no problem").toBe("ok");
});

test("a page that hears nothing looks at nothing, and says what was not known yet", () => {
  const then = (it: Known) => asThen(said(it), "The page is held").text;
  const counts = { ...NO_COUNTS, recordsIn: 200, deadLetters: 20 };
  const known = { ...well, members: members(member("n1")) };
  const items = [workflow("a", { counts })];
  expect(then({ ...known, workflows: { items }, bad: { a: undefined } })).toBe(
    "The page is held. It was not known yet: a had sent 10 % of its records to the dead letters, and may do so still.",
  );
  expect(then({ ...known, workflows: { items }, bad: { a: 0 } })).toMatch(
    /^The page is held. As it was then: Healthy: /,
  );
  const unseen = [{ what: "leases", why: "No engine answers." }] as const;
  expect(then({ ...known, leases: undefined, workflows: { items: [] }, unseen })).toBe(
    "Not known: the controllers can't be seen. No engine answers.",
  );
});

test("what an operator holds back is a note, after what is wrong", () => {
  const drained = { ...well.schedule, drained: ["n2", "was-here-once"] };
  const known = {
    ...well,
    schedule: drained,
    members: members(member("n1"), member("n2")),
    workflows: { items: [workflow("a", { openStreams: 4, pausedStreams: 4 })] },
  };
  expect(troubles(known).map((it) => [it.tone, it.id])).toEqual([
    ["info", "node-drained:n2"],
    ["info", "streams-paused:a"],
  ]);
  expect(said(known)).toEqual({
    tone: "info",
    text:
      "Healthy: 2 nodes up, 1 workflow running, 4 streams open. But n2 is drained: nothing new is put there. " +
      "a has 4 streams paused.",
  });
  const worse = { ...known, bad: { a: 0.5 } };
  expect(said(worse).text, "notes are no problems").toBe(
    "Degraded: a sends 50 % of its records to the dead letters.",
  );
});

test("a cluster that its server does not reach is told as such, and not as impaired", () => {
  const away = { cause: "the engine at http://n1 is silent" };
  expect(said({ away })).toEqual({
    tone: "err",
    text: "Out of reach: how the cluster is can't be seen from here.",
  });
});

test("who can't be reached is not said to be so because it was let in", () => {
  const reason = "the leader let it in";
  const [one] = troubles({
    members: members(member("n1", { unreachable: true, unreachableFrom: ["n2", "n3"], reason })),
  });
  expect(one?.hint).toBe(
    "n2, n3 hear nothing from it: its process, its machine or the way there has failed.",
  );
});

const lost = alarm("1", {
  key: "node-unreachable:n2",
  subject: { kind: "node", name: "n2" },
  message: "n2 can't be reached, says n1",
});
const here = { ...well, members: members(member("n1")), workflows: { items: [workflow("a")] } };

test("what the cluster has an alarm of is told once, as that", () => {
  const far = members(member("n1"), member("n2", { unreachable: true }));
  const known = { ...here, members: far, alarms: alarms(lost) };
  expect(troubles(known)).toMatchObject([
    { id: "node-unreachable:n2", what: "n2", why: "can't be reached, says n1", alarm: lost },
  ]);
  expect(said(known).text).toBe("Impaired: n2 can't be reached, says n1.");
  // An alarm waits until its cause has lasted, and the page does not.
  expect(troubles({ ...known, alarms: alarms() })).toMatchObject([
    { id: "node-unreachable:n2", why: "can't be reached" },
  ]);
  // It stands for a while after that, too.
  expect(said({ ...here, alarms: alarms(lost) }).tone).toBe("err");
});

test("who has confirmed an alarm is named, and what nobody has confirmed stands before it", () => {
  const confirmation = { by: "ada", at: "2026-01-01T00:00:00Z" };
  const confirmed = { ...lost, confirmation };
  expect(said({ ...here, alarms: alarms(confirmed) }).text).toBe(
    "Impaired: n2 can't be reached, says n1 (confirmed by ada).",
  );
  const leases = { items: [{ name: "streams", state: "free" as const, pinned: false }] };
  const known = { ...here, leases: leases as never, alarms: alarms(confirmed) };
  expect(troubles(known).map((it) => it.id)).toEqual([
    "controller-missing:streams",
    "node-unreachable:n2",
  ]);
});

test("dead letters that wait are a note, unless more and more come", () => {
  const letters = alarm("2", {
    key: "dead-letters:a",
    kind: "dead-letters",
    severity: "warning",
    subject: { kind: "workflow", name: "a" },
    message: "a has dead letters that nothing has become of: 4",
  });
  const known = { ...here, alarms: alarms(letters) };
  expect(troubles(known).map((it) => [it.tone, isNote(it)])).toEqual([["warn", true]]);
  expect(said(known)).toEqual({
    tone: "info",
    text: "Healthy: 1 node up, 1 workflow running, waiting for input. But a has dead letters that nothing has become of: 4.",
  });
  expect(said({ ...known, bad: { a: 0.12 } })).toEqual({
    tone: "warn",
    text: "Degraded: a has dead letters that nothing has become of: 4; 12 % of its records go there now.",
  });
});

test("a lost node that was put away is told by no alarm either", () => {
  const gone = member("n2", { status: "removed" });
  const known = { ...here, members: members(member("n1"), gone), alarms: alarms(lost) };
  expect(troubles(known)).toMatchObject([{ id: "node-unreachable:n2", putsAway: "n2" }]);
  expect(troubles({ ...known, putAway: new Set(["n2"]) })).toEqual([]);
});

test("nothing is called healthy while its alarms can't be seen", () => {
  const why = "The claim alarm:read is missing.";
  const unseen = [{ what: "alarms" as const, why }];
  expect(said({ ...here, alarms: undefined, unseen }).text).toBe(
    `Not known: the alarms can't be seen. ${why}`,
  );
});

test("that a cluster can't be reached comes before the alarms that are known of it", () => {
  const known = { ...here, alarms: alarms(lost), away: { cause: "it is silent" } };
  expect(said(known).text).toMatch(/^Out of reach: /);
  expect(troubles(known).map((it) => it.what)).toEqual(["The cluster", "n2"]);
});

test("a workflow that falls behind is a warning", () => {
  const known = {
    ...well,
    members: members(member("n1")),
    workflows: { items: [workflow("late")] },
    behind: { late: 70.2 },
  };
  expect(said(known)).toEqual({ tone: "warn", text: "Degraded: late falls behind by 70/s." });
  expect(said({ ...known, behind: {} }).tone).toBe("ok");
});
