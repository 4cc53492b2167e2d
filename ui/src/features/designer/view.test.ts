import { expect, test } from "vitest";
import type { Place, Places } from "./places";
import { brought, followed, opened, type View, whole } from "./view";

const SIZE = { width: 900, height: 500 };
const row = (count: number, y = 200): Places =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`s${at}`, { x: at * 226, y }]));
const seen = (at: Place | undefined, view: View | undefined) => {
  if (!at || !view) return false;
  const [x, y] = [at.x * view.zoom + view.x, at.y * view.zoom + view.y];
  return x >= 0 && y >= 0 && x + 178 * view.zoom <= 900 && y + 58 * view.zoom <= 500;
};

test("a workflow opens as a whole, in the middle", () => {
  const places = row(3, 900);
  const view = opened(places, SIZE);
  expect(Object.values(places).every((it) => seen(it, view))).toBe(true);
  expect(929 * (view?.zoom ?? 0) + (view?.y ?? 0)).toBeCloseTo(250);
});

test("a long one opens at its beginning, and where a stage is chosen, there", () => {
  const places = row(200);
  expect(seen(places.s0, opened(places, SIZE))).toBe(true);
  const there = opened(places, SIZE, "s150");
  expect(seen(places.s150, there)).toBe(true);
  expect(there?.zoom).toBeGreaterThan(0.5);
  expect(whole(row(20), SIZE)?.zoom).toBeLessThan(0.3);
});

test("what is added is in sight, with all of it as long as that can be read", () => {
  const view = opened(row(3), SIZE) as View;
  const four = followed(row(3), row(4), ["s3"], view, SIZE);
  expect(Object.values(row(4)).every((it) => seen(it, four))).toBe(true);
  let now = view;
  for (let count = 3; count < 12; count++) {
    const [before, after] = [row(count), row(count + 1)];
    now = followed(before, after, [`s${count}`], now, SIZE) ?? now;
    expect(seen(after[`s${count}`], now)).toBe(true);
  }
});

test("where it is in sight nothing moves", () => {
  const view = opened(row(3), SIZE) as View;
  expect(brought(row(3), ["s1"], view, SIZE)).toBeUndefined();
  // Of a part that one looks at closely, the rest was out of sight before.
  const close = { x: -300, y: 0, zoom: 1 };
  const more = { ...row(9), extra: { x: 400, y: 300 } };
  expect(followed(row(9), more, ["extra"], close, SIZE)).toBeUndefined();
});
