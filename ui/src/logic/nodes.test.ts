import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { lost, nodes, standings } from "./nodes";

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

test("members stand as they stood, whoever says so and in which version", () => {
  const told = (node: string, version: number, ...members: Schemas["Member"][]) =>
    standings({ cluster: "c", node: { name: node, uid: node }, version, members });
  const both = told("n1", 4, member("n1"), member("n2"));
  expect(told("n2", 17, member("n2"), member("n1"))).toEqual(both);
  expect(told("n1", 4, member("n1"), member("n2", { unreachable: true }))).not.toEqual(both);
});
