import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { nodes } from "./nodes";

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
