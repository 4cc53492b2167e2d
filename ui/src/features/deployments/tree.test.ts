import { expect, test } from "vitest";
import type { Schemas } from "../../api/client";
import { tree } from "./tree";

const stored = (tag: string, parent: string, builtAt: string): Schemas["StoredDeployment"] => ({
  tag,
  parent,
  builtAt,
  assignedBy: [],
  author: "a",
  default: false,
  description: "",
  digest: "",
  duplicate: false,
  nodes: [],
  project: "p",
  same: [],
  signer: "",
  workflows: [],
});

test("each stands below what it is based on, the newest first; whose base is gone stands at the root", () => {
  const items = [
    stored("v1", "DeploymentRoot", "1"),
    stored("v2", "v1", "2"),
    stored("v3", "v1", "3"),
    stored("x", "gone", "0"),
  ];
  expect(tree(items).map((it) => `${it.depth} ${it.deployment.tag}`)).toEqual([
    "1 v1",
    "2 v3",
    "2 v2",
    "1 x",
  ]);
});
