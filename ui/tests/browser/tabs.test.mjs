// Many tabs with sessions of their own: a browser opens six connections to a server, and each tab follows a stream.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { PASSWORD } from "../support/filled.mjs";
import { command, until, weir } from "../support/weir.mjs";

const ada = async (server) => {
  const secret = await until("there is a secret", () => server.secret());
  await command(server.url, "POST", "/api/v1/set-up", { name: "ada", password: PASSWORD, secret });
};
const { server, page } = await begin(weir, { more: ada });

test("the eighth tab of its own session is live, and so is the first one when it is looked at again", async () => {
  const tabs = [];
  for (let number = 0; number < 8; number++) {
    const body = { name: "ada", password: PASSWORD };
    const { token } = await command(server.url, "POST", "/api/v1/log-in", body);
    const tab = await page.context().newPage();
    await tab.addInitScript((it) => {
      sessionStorage.setItem("weir.session", it);
      // No browser without a window hides its tabs.
      let state = "visible";
      Object.defineProperty(document, "visibilityState", { get: () => state });
      window.turn = (to) => {
        state = to;
        document.dispatchEvent(new Event("visibilitychange"));
      };
    }, token);
    await tab.goto(server.url);
    await tab.getByRole("button", { name: /Live/ }).waitFor();
    await tab.getByRole("button", { name: "ada ▾" }).waitFor();
    await tab.evaluate(() => window.turn("hidden"));
    tabs.push(tab);
  }
  const [first] = tabs;
  await first.evaluate(() => window.turn("visible"));
  await first.getByRole("link", { name: "Streams" }).first().click();
  await first.getByRole("region", { name: "Newest first" }).getByRole("row").nth(1).waitFor();
  const silent = first.getByRole("button", { name: /Live$/ });
  await silent.waitFor();
  assert.equal(await silent.count(), 1);
});
