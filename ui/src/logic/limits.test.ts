import { expect, it } from "vitest";
import { tooLong } from "./limits";

const MIB = 1024 * 1024;

it("refuses what is longer than the server takes, and nothing else", () => {
  const file = { name: "all.weir", size: 57 * MIB };
  expect(tooLong(file, 48 * MIB)).toBe(
    "all.weir has 57.0 MiB, and this server takes at most 48.0 MiB",
  );
  expect(tooLong(file, 57 * MIB)).toBeUndefined();
  expect(tooLong(file, undefined)).toBeUndefined();
  expect(tooLong(undefined, 1)).toBeUndefined();
});
