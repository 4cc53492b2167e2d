import { beforeEach, expect, test, vi } from "vitest";

const KEY = "weir.session";

/** A place where a browser keeps texts. */
class Kept extends Map<string, string> {
  getItem = (key: string) => this.get(key) ?? null;
  setItem = (key: string, value: string) => this.set(key, value);
  removeItem = (key: string) => this.delete(key);
}

let [ofTab, ofBrowser] = [new Kept(), new Kept()];
let told: (event: unknown) => void = () => undefined;

/** The module as a tab has it that is opened now. */
async function opened() {
  vi.resetModules();
  vi.stubGlobal("sessionStorage", ofTab);
  vi.stubGlobal("localStorage", ofBrowser);
  vi.stubGlobal("addEventListener", (_: string, tell: typeof told) => {
    told = tell;
  });
  return import("./token");
}

/** Another tab keeps it for the browser. */
function kept(value: string | null) {
  if (value) ofBrowser.set(KEY, value);
  else ofBrowser.delete(KEY);
  told({ storageArea: ofBrowser, key: KEY });
}

beforeEach(() => {
  [ofTab, ofBrowser] = [new Kept(), new Kept()];
});

test("a tab goes on with its session until the page is ready for another one", async () => {
  ofBrowser.set(KEY, "ada");
  const it = await opened();
  const others: (string | null)[] = [];
  it.onOtherSession((other) => others.push(other));
  kept("bob");
  expect([it.token(), others]).toEqual(["ada", ["bob"]]);
  it.adoptToken("bob");
  expect(it.token()).toBe("bob");
  kept(null);
  expect(others).toEqual(["bob", null]);
});

test("a session of this tab alone is not touched by other tabs, nor touches theirs", async () => {
  ofBrowser.set(KEY, "ada");
  const it = await opened();
  const others: (string | null)[] = [];
  it.onOtherSession((other) => others.push(other));
  it.keepToken("bob", false);
  kept("eve");
  expect([it.token(), others]).toEqual(["bob", []]);
  it.dropToken();
  expect(it.token()).toBeNull();
  expect(ofBrowser.get(KEY)).toBe("eve");
  expect((await opened()).token()).toBeNull();
});

test("a session that has ended is shown no more, and is told once", async () => {
  ofBrowser.set(KEY, "ada");
  const it = await opened();
  const tell = vi.fn();
  it.onUnknownSession(tell);
  it.noteUnknownSession();
  it.endToken();
  it.noteUnknownSession();
  expect(tell).toHaveBeenCalledTimes(1);
  expect(it.token()).toBeNull();
});
