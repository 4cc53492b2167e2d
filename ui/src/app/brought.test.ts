import { describe, expect, it } from "vitest";
import { broughtBack } from "./brought";

describe("who comes back from the provider", () => {
  it("brings a code, or why there is none", () => {
    expect(broughtBack("?code=c&state=s&iss=x")).toEqual({ state: "s", code: "c" });
    expect(broughtBack("?error=access_denied&state=s")).toEqual({
      state: "s",
      error: "access_denied",
    });
  });
  it("is nobody without both halves", () => {
    for (const search of ["", "?state=s", "?code=c", "?error=e"])
      expect(broughtBack(search)).toBeUndefined();
  });
});
