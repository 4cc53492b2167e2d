import { expect, test } from "vitest";
import { isUnclear, together } from "./order";

const names = (it: string) => it.split(" ").filter(Boolean);
const order = (base: string, own: string, other: string) =>
  together(names(base), names(own), names(other)).join(" ");
const same = (base: string, own: string, other: string) => {
  expect(order(base, own, other)).toBe(order(base, other, own));
  return order(base, own, other);
};

test("names come together where they were added, as the server does it", () => {
  expect(same("a b", "a b", "a b")).toBe("a b");
  expect(same("a b", "x a b", "a y b z")).toBe("x a y b z");
  expect(same("a b", "a p b", "a c b")).toBe("a c p b");
  expect(same("a b", "a p s q b", "a c s d b")).toBe("a c p s d q b");
  expect(same("a b c", "a c x", "b c")).toBe("a b c x");
  expect(same("", "b s t", "s a t")).toBe("b s a t");
});

test("where one side moved what was there, it is that side's order", () => {
  expect(same("a b c", "a b x c", "c b a")).toBe("c b x a");
  expect(same("a b c", "x a b c", "c a y")).toBe("x c a b y");
  expect(same("a b c", "a b x c", "c a")).toBe("c a b x");
});

test("the order is unclear where both moved what was there", () => {
  const is = (base: string, own: string, other: string) =>
    isUnclear(names(base), names(own), names(other));
  expect(is("a b c", "b a c", "a c b")).toBe(true);
  expect(is("a b c", "b a c", "b a c x")).toBe(false);
  expect(is("a b c", "b a c", "a b c x")).toBe(false);
  expect(is("a", "a x y", "a y x")).toBe(true);
});
