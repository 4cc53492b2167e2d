import { expect, test } from "vitest";
import { commandOf, deployOf, isPlanOf, NOTHING, planOf, toggled } from "./wanted";

const WANTED = {
  ...NOTHING,
  tag: "v3",
  cluster: "east",
  environments: ["prod", "night"],
  description: "it's late",
};

test("what is deployed is the package that was planned", () => {
  expect(planOf(WANTED)).toMatchObject({ cluster: "east", dryRun: true, build: { tag: "v3" } });
  const deploy = deployOf(WANTED, "01a2");
  expect(deploy).toMatchObject({ package: "01a2", activate: true, wait: "5m", dryRun: false });
  expect(deploy.build).toBeUndefined();
  expect(deployOf({ ...WANTED, isActivated: false }, "01a2").wait).toBeUndefined();
});

test("a plan holds until something else is wanted of the package or its place", () => {
  expect(isPlanOf(WANTED, { ...WANTED, isActivated: false, wait: "" })).toBe(true);
  expect(isPlanOf(WANTED, { ...WANTED, base: "v1" })).toBe(false);
  expect(isPlanOf(WANTED, { ...WANTED, environments: ["night", "prod"] })).toBe(false);
});

test("the command does the same, in words that a shell takes", () => {
  expect(commandOf("flights", NOTHING, true)).toBe("weir deploy flights --plan");
  expect(commandOf("flights", WANTED, false)).toBe(
    "weir deploy flights --cluster east --tag v3 --description 'it'\\''s late' --environment prod --environment night --activate --wait --timeout 5m",
  );
});

test("secrets are sealed anew where that is wanted, to a key of the cluster that it goes to", () => {
  expect(planOf(NOTHING).build?.sealTo).toBeUndefined();
  expect(planOf({ ...NOTHING, sealTo: "current" }).build?.sealTo).toEqual([{}]);
  const wanted = { ...NOTHING, sealTo: "night" };
  expect(planOf(wanted).build?.sealTo).toEqual([{ key: "night" }]);
  expect(commandOf("flights", wanted, true)).toBe("weir deploy flights --seal-to night --plan");
});

test("a version says itself which commit it is", () => {
  const wanted = { ...NOTHING, version: "main", commit: "abc" };
  expect(planOf(wanted).build).toMatchObject({ version: "main", commit: undefined });
  expect(commandOf("flights", wanted, true)).toBe("weir deploy flights --version main --plan");
});

test("what is chosen last takes effect last", () => {
  expect(toggled(toggled(["a"], "b"), "a")).toEqual(["b"]);
});
