import { afterEach, expect, test, vi } from "vitest";
import { Crowd } from "./crowd";

const made: Crowd[] = [];
afterEach(() => {
  for (const it of made.splice(0)) it.close();
});

function tab(channel: string, isHidden: boolean) {
  const it = { has: true, rests: 0, crowd: undefined as unknown as Crowd };
  it.crowd = new Crowd(
    {
      has: () => it.has,
      isHidden: () => isHidden,
      rest: () => {
        it.has = false;
        it.rests++;
      },
    },
    channel,
  );
  made.push(it.crowd);
  return it;
}

test("where many tabs have a stream, those that are hidden let theirs go", async () => {
  const [seen, ...hidden] = [false, true, true].map((it) => tab("many", it));
  const next = tab("many", false);
  next.crowd.opens();
  await vi.waitFor(() => expect(hidden.map((it) => it.rests)).toEqual([1, 1]));
  expect([seen?.has, next.has]).toEqual([true, true]);
});

test("where few have one, all keep theirs", async () => {
  const others = [true, true].map((it) => tab("few", it));
  const next = tab("few", false);
  next.crowd.opens();
  await new Promise((done) => setTimeout(done, 400));
  expect(others.every((it) => it.has)).toBe(true);
});
