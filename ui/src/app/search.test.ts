import { expect, test } from "vitest";
import { addressOf, parseSearch, pathed, stringifySearch } from "./search";

const TAGS = ["1.10", "1.1", "5", "true", "null", "a#b", "a b&c=d", '"quoted"', "50%", "ö/…", ""];

test("what an address says of a name is the name again", () => {
  for (const tag of TAGS) {
    expect(parseSearch(stringifySearch({ tag, none: undefined }))).toEqual({ tag });
    const { search, hash } = new URL(addressOf`/deployments?tag=${tag}`, "http://weir");
    expect([parseSearch(search), hash]).toEqual([{ tag }, ""]);
  }
  expect(stringifySearch({ tag: "1.10" })).toBe("?tag=1.10");
  expect(stringifySearch({ tag: undefined })).toBe("");
});

test("names in the path of an address stay one part of it", () => {
  expect(addressOf`/workflows/${"a/b #1"}`).toBe("/workflows/a%2Fb%20%231");
  expect(pathed("sinks/to#1 %.yaml")).toBe("sinks/to%231%20%25.yaml");
});
