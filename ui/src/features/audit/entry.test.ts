import { expect, test } from "vitest";
import { entry } from "./entry";

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
