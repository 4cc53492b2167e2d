import { expect, test } from "vitest";
import { noteServerTime, serverNow } from "./now";

test("the time is the server's where the clocks differ, and does not tremble with the network", () => {
  const near = (at: number) => expect(Math.abs(serverNow() - at)).toBeLessThan(1_000);
  noteServerTime(Date.now() - 300);
  near(Date.now());
  noteServerTime(Date.now() + 60_000);
  near(Date.now() + 60_000);
  noteServerTime(Date.now() + 59_500);
  near(Date.now() + 60_000);
  noteServerTime(Date.now());
  near(Date.now());
});
