import { expect, test } from "vitest";
import { changeOf, commandOf, lacks, NOBODY, tokenCommandOf, tooLongFor, wantedOf } from "./role";

const NIGHT = {
  name: "night",
  description: "who's there at night",
  claims: ["stream:control" as const],
  scope: { clusters: ["east"] },
  revision: 3,
};

test("a role goes through the form as it was", () => {
  for (const scope of ["everything" as const, { projects: ["p"] }, NIGHT.scope]) {
    const role = { ...NIGHT, scope };
    expect(changeOf(wantedOf(role))).toEqual({
      claims: role.claims,
      description: role.description,
      scope,
    });
  }
});

test("the command makes the same role", () => {
  expect(commandOf(wantedOf(NIGHT), true)).toBe(
    "weir role create night --claim stream:control --at east --description 'who'\\''s there at night'",
  );
  const ofProject = { ...wantedOf(NIGHT), within: "projects" as const, description: "" };
  expect(commandOf(ofProject, false)).toBe("weir role set night --claim stream:control --in east");
});

test("a role without a claim or a place is none", () => {
  expect(lacks(wantedOf(NIGHT))).toBeUndefined();
  expect(lacks(NOBODY)).toBe("A name is missing");
  expect(lacks({ ...wantedOf(NIGHT), claims: [] })).toBe("It needs one claim at least");
  expect(lacks({ ...wantedOf(NIGHT), names: [] })).toBe("Choose for which clusters it holds");
});

test("the command of a token says the same", () => {
  const wanted = { ...wantedOf(NIGHT), within: "projects" as const, names: ["flights"] };
  expect(tokenCommandOf(wanted, "90")).toBe(
    "weir token create 'who'\\''s there at night' --claim stream:control --in flights --expires-in 90d",
  );
});

test("a text that the server would refuse is refused where it is typed", () => {
  expect(tooLongFor("x".repeat(200))).toBeUndefined();
  expect(tooLongFor(` ${"é".repeat(200)} `), "as characters are counted").toBeUndefined();
  expect(tooLongFor("x".repeat(210))).toBe(
    "It has 210 characters, and may have 200: say it in fewer",
  );
});
