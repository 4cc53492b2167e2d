import { expect, test } from "vitest";
import { Wants } from "./wants";

test("what a tab wants anew is told, what nobody wants is not followed", () => {
  const wants = new Wants();
  expect(wants.take("a", ["nodes", "streams"], 0)).toEqual(["nodes", "streams"]);
  expect(wants.take("a", ["nodes", "canary"], 1)).toEqual(["canary"]);
  wants.take("b", ["nodes"], 100_000);
  expect([...wants.all(100_000)].sort()).toEqual(["canary", "nodes"]);
  expect([...wants.all(200_000)]).toEqual(["nodes"]);
  wants.drop("b");
  expect(wants.all(200_000).size).toBe(0);
});
