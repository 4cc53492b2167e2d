import { expect, test } from "vitest";
import { inForce } from "./inForce";

const applied = (project: string) => ({
  project,
  digest: "",
  baseDir: `/srv/${project}`,
  workflows: [],
  deployedAt: "2026-11-20T10:00:00Z",
});

test("what runs is named, not the empty deployment that all begin from", () => {
  const of = (tag: string, ...names: string[]) =>
    inForce({ default: tag, applied: names.map(applied) });
  expect(of("DeploymentRoot")).toEqual({ value: "nothing", note: "" });
  expect(of("DeploymentRoot", "a")).toEqual({ value: "a", note: "from its directory" });
  expect(of("DeploymentRoot", "a", "b")).toEqual({ value: "2 projects", note: "from directories" });
  expect(of("v2")).toEqual({ value: "v2", note: "by default" });
  expect(of("v2", "a")).toEqual({ value: "v2", note: "and 1 directory" });
});
