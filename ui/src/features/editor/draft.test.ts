import { beforeEach, expect, test, vi } from "vitest";
import {
  begun,
  changed,
  isDirty,
  keep,
  kept,
  redone,
  refreshed,
  replaced,
  saved,
  undone,
  unsaved,
} from "./draft";

const room = new Map<string, string>();
beforeEach(() => {
  room.clear();
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => room.get(key) ?? null,
    setItem: (key: string, value: string) => room.set(key, value),
    removeItem: (key: string) => room.delete(key),
    key: (at: number) => [...room.keys()][at] ?? null,
    get length() {
      return room.size;
    },
  });
});

test("typing that goes on is one step, anything else another one", () => {
  let it = begun("a", "1");
  it = changed(it, "ab", "typing", 0);
  it = changed(it, "abc", "typing", 500);
  it = changed(it, "abcd", "typing", 5_000);
  it = changed(it, "x", "", 5_001);
  expect(it.past).toEqual(["a", "abc", "abcd"]);
  it = undone(undone(it));
  expect([it.text, it.future]).toEqual(["abc", ["abcd", "x"]]);
  it = redone(it);
  expect(it.text).toBe("abcd");
  expect(changed(it, "y", "", 0).future).toEqual([]);
});

test("what was typed while it was saved is still a change", () => {
  const it = changed(saved(changed(begun("a", "1"), "b", "", 0), "b", "2"), "c", "", 1);
  expect([isDirty(it), it.base, it.etag]).toEqual([true, "b", "2"]);
});

test("another text of the server is shown where nothing was typed, and only there", () => {
  expect(refreshed(begun("a", "1"), "b", "2").text).toBe("b");
  expect(refreshed(changed(begun("a", "1"), "mine", "", 0), "b", "2").text).toBe("mine");
});

test("what is discarded is not typed any more, whatever the server has by then", () => {
  const typed = changed(begun("a", "1"), "mine", "", 0);
  const plain = replaced(typed, "a", "1", 1);
  expect([plain.text, isDirty(plain), undone(plain).text]).toEqual(["a", false, "mine"]);
  const over = replaced(typed, "theirs", "2", 1);
  expect([over.text, over.etag, isDirty(over)]).toEqual(["theirs", "2", false]);
  keep("ada", "p", "a.yaml", over);
  expect(kept("ada", "p", "a.yaml")).toBeUndefined();
});

test("a step back over what somebody else wrote brings back what it was based on", () => {
  const typed = changed(begun("a", "1"), "mine", "", 0);
  const back = undone(changed(replaced(typed, "theirs", "2", 1), "more", "", 2));
  expect(back.text).toBe("theirs");
  expect(undone(back)).toMatchObject({ text: "mine", base: "a", etag: "1" });
});

test("what was typed outlives the page, for the one who typed it", () => {
  keep("ada", "p", "a.yaml", changed(begun("a", "1"), "mine", "", 0));
  expect(kept("ada", "p", "a.yaml")).toMatchObject({ text: "mine", base: "a", etag: "1" });
  expect(kept("bob", "p", "a.yaml")).toBeUndefined();
  expect([...unsaved("ada", "p")]).toEqual(["a.yaml"]);
  expect([...unsaved("ada", "q")]).toEqual([]);
  keep("ada", "p", "a.yaml", begun("mine", "2"));
  expect(kept("ada", "p", "a.yaml")).toBeUndefined();
});
