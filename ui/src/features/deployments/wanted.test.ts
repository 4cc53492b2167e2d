import { expect, test, vi } from "vitest";

vi.stubGlobal("window", { location: { origin: "http://127.0.0.1" } });
const empty = { getItem: () => null };
vi.stubGlobal("sessionStorage", empty);
vi.stubGlobal("localStorage", empty);
const { asPlan, command, titleOf, withRule } = await import("./wanted");

const rules = [
  { role: "batch", tag: "v1" },
  { role: "edge", tag: "v1" },
];

test("a rule of a role stands where it stood, last, or before another one", () => {
  const roles = (before: string | undefined, role: string) =>
    withRule(rules, { role, tag: "v2" }, before).map((it) => `${it.role} ${it.tag}`);
  expect(roles(undefined, "batch")).toEqual(["batch v2", "edge v1"]);
  expect(roles(undefined, "live")).toEqual(["batch v1", "edge v1", "live v2"]);
  expect(roles("edge", "live")).toEqual(["batch v1", "live v2", "edge v1"]);
  expect(roles("batch", "edge")).toEqual(["edge v2", "batch v1"]);
});

test("commands say what the dialog does", () => {
  const start = { tag: "v2", nodes: 1, bakeMs: 600_000, errorsPerMillionMax: 1_000, recordsMin: 0 };
  expect(command({ to: "canary", start })).toBe(
    "weir deployment canary start v2 --nodes 1 --bake 10m --max-errors 0.1%",
  );
  expect(command({ to: "canary", start: { ...start, bakeMs: 90_000, recordsMin: 5 } })).toBe(
    "weir deployment canary start v2 --nodes 1 --bake 90s --max-errors 0.1% --min-records 5",
  );
  expect(command({ to: "assignRole", rules, role: "live", tag: "v2", before: "edge" })).toBe(
    "weir deployment assign v2 --role live --before edge",
  );
});

test("a plan does not say that it was done", () => {
  expect(asPlan("v2 was made the default")).toBe("v2 is to be made the default");
  expect(asPlan("v1 was deleted")).toBe("v1 is to be deleted");
  expect(titleOf({ to: "rollback", back: "v1" })).toBe("Roll back to v1");
});
