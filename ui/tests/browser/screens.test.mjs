// Every screen, in both schemes: it is drawn, the browser has nothing to complain of (the page's policy, other
// hosts, errors), and axe finds nothing serious.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browser, findings, open } from "../support/browser.mjs";
import { filled } from "../support/filled.mjs";
import { SCREENS } from "../support/screens.mjs";

let server;
let chrome;

before(async () => {
  [server, chrome] = await Promise.all([filled({ isLive: true }), browser()]);
});
after(async () => {
  await chrome?.close();
  await server?.stop();
});

for (const scheme of ["dark", "light"]) {
  test(`all screens, ${scheme}`, async (t) => {
    const { page, complaints, close } = await open(chrome, scheme);
    for (const { name, path, has } of SCREENS) {
      await t.test(name, async () => {
        complaints.length = 0;
        const address = typeof path === "function" ? path(server.names) : path;
        await page.goto(server.url + address);
        await page.getByText(has).first().waitFor({ timeout: 10_000 });
        assert.equal(await page.locator("h1").count(), 1, "one title");
        assert.deepEqual(await findings(page), []);
        assert.deepEqual(complaints, []);
      });
    }
    await close();
  });
}
