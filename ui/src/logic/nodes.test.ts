import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { absence, away, departed, lost, nodes, standings } from "./nodes";

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
  joinedAt: "",
  changedAt: "",
  reason: "",
  ...more,
});

test("those in trouble stand first, a drained one is told from one that is up", () => {
  const members = {
    cluster: "c",
    node: { name: "n1", uid: "n1" },
    version: 1,
    members: [
      member("n1"),
      member("n10"),
      member("n2"),
      member("n3", { unreachable: true }),
      member("n1", { uid: "before", status: "removed" }),
    ],
  };
  const schedule = {
    revision: 1,
    workflows: [],
    drained: ["n2"],
    warnings: [],
    nodes: [
      {
        name: "n2",
        uid: "n2",
        reach: "draining" as const,
        drained: true,
        roles: [],
        instances: 0,
        load: 0,
      },
    ],
  };
  const found = nodes({ members, schedule }).map((it) => `${it.name} ${it.state}`);
  expect(found).toEqual(["n2 draining", "n3 unreachable", "n1 up", "n10 up"]);
});

test("a node is lost that did not leave, was not started anew and is not back", () => {
  const member = (name: string, status: string, reason: string, changedAt = "1") => ({
    ...{ name, status, reason, changedAt, uid: `${name}${changedAt}`, upNumber: 1 },
  });
  const names = (...members: object[]) =>
    lost({ members } as unknown as Parameters<typeof lost>[0]).map((it) => it.uid);
  const crashed = member("a", "removed", "the resolver: a can't be reached");
  expect(names(crashed, member("b", "up", ""))).toEqual(["a1"]);
  expect(names(crashed, member("a", "up", "", "2"))).toEqual([]);
  expect(names(crashed, member("a", "removed", "left", "2"))).toEqual([]);
  expect(names(member("a", "removed", "left"))).toEqual([]);
  expect(names(member("a", "removed", "replaced by a#2"))).toEqual([]);
  expect(names({ ...crashed, upNumber: 0 })).toEqual([]);
});

test("a lost node stands first, until it is put away, and is told from one that left", () => {
  const gone = (name: string, reason: string) =>
    member(name, { uid: `${name}-gone`, status: "removed", reason });
  const members = {
    cluster: "c",
    node: { name: "n1", uid: "n1" },
    version: 1,
    members: [
      member("n1"),
      gone("n2", "the resolver: silent"),
      gone("n3", "left"),
      member("n4", { unreachable: true }),
    ],
  };
  const shown = (putAway?: ReadonlySet<string>) =>
    nodes({ members, putAway }).map((it) => `${it.name} ${it.state}`);
  expect(shown()).toEqual(["n2 lost", "n4 unreachable", "n1 up"]);
  expect(shown(new Set(["n2-gone"]))).toEqual(["n4 unreachable", "n1 up"]);
  const absences = ["n1", "n2", "n3", "n4"].map((it) => absence(members, it));
  expect(absences).toEqual([undefined, "lost", "removed", "unreachable"]);
});

test("of a node that is no member its last life is known, and none of one that is back", () => {
  const all = (...members: Schemas["Member"][]) => ({
    cluster: "c",
    node: { name: "n1", uid: "n1" },
    version: 1,
    members,
  });
  const life = (uid: string, changedAt: string) =>
    member("n2", { uid, status: "removed", changedAt });
  const before = [life("b", "2"), life("a", "1")];
  expect(departed(all(...before), "n2")?.uid).toBe("b");
  expect(departed(all(...before, member("n2", { uid: "c" })), "n2")).toBeUndefined();
  expect(departed(all(member("n1")), "n2")).toBeUndefined();
  expect(departed(undefined, undefined)).toBeUndefined();
  expect(away(all(...before), "n2")?.uid).toBe("b");
  expect(away(all(member("n2", { unreachable: true })), "n2")?.uid).toBe("n2");
  expect(away(all(member("n2")), "n2")).toBeUndefined();
});

test("members stand as they stood, whoever says so and in which version", () => {
  const told = (node: string, version: number, ...members: Schemas["Member"][]) =>
    standings({ cluster: "c", node: { name: node, uid: node }, version, members });
  const both = told("n1", 4, member("n1"), member("n2"));
  expect(told("n2", 17, member("n2"), member("n1"))).toEqual(both);
  expect(told("n1", 4, member("n1"), member("n2", { unreachable: true }))).not.toEqual(both);
});
