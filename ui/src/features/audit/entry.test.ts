import { expect, test } from "vitest";
import { entry, viewOf } from "./entry";

test("an entry is read with its outcome", () => {
  expect(
    entry({ sequence: 3, at: "t", user: null, action: "log in", outcome: { refused: "wrong" } }),
  ).toMatchObject({ sequence: 3, user: "nobody", outcome: "refused", why: "wrong" });
  expect(entry({ user: "ada", outcome: "done" })).toMatchObject({
    user: "ada",
    outcome: "done",
    why: "",
  });
  expect(entry({ outcome: { unknown: "no answer" } })).toMatchObject({
    outcome: "unknown",
    why: "no answer",
  });
});

test("what an entry is about is led to where it has a view", () => {
  expect(viewOf("deployment/v1")).toBe("/deployments?tag=v1");
  expect(viewOf("workflow/a b")).toBe("/workflows/a%20b");
  expect(viewOf("alarm/17")).toBe("/alarms/17");
  expect(viewOf("alarms")).toBe("/alarms");
  expect(viewOf("audit")).toBeUndefined();
  expect(viewOf("weather/rain")).toBeUndefined();
});
