// Every screen, in both schemes: it is drawn, the browser has nothing to complain of (the page's policy, other
// hosts, errors), and axe finds nothing serious.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings, open } from "../support/browser.mjs";
import { filled } from "../support/filled.mjs";
import { cutOff } from "../support/narrow.mjs";
import { SCREENS } from "../support/screens.mjs";

const { server, chrome } = await begin(() => filled({ isLive: true }));
test("each address of the page is among them", async () => {
  const router = await readFile("src/app/router.tsx", "utf8");
  const routes = [...router.matchAll(/^\s+path: "([^"]+)"/gm)].map(([, path]) => path);
  assert.ok(routes.length > 15, `the router has ${routes.length} addresses`);
  const names = new Proxy({}, { get: (_, name) => name });
  const shown = SCREENS.map(({ path }) => (typeof path === "function" ? path(names) : path));
  const paths = shown.map((it) => it.split("?")[0]);
  // It leads to the overview, and shows nothing itself.
  const missing = routes.filter((it) => it !== "/index.html" && !paths.some(fits(it)));
  assert.deepEqual(missing, []);
});

/** `$name` stands for one piece of an address, `$` for all that follows. */
function fits(route) {
  const pattern = route.replaceAll(/\$\w+/g, "[^/]+").replace(/\$$/, ".+");
  return (path) => new RegExp(`^${pattern}$`).test(path);
}

for (const scheme of ["dark", "light"]) {
  test(`all screens, ${scheme}`, async (t) => {
    const { page, complaints, close } = await open(chrome, scheme);
    for (const { name, path, has } of SCREENS) {
      await t.test(name, async () => {
        complaints.length = 0;
        const address = typeof path === "function" ? path(server.names) : path;
        await page.goto(server.url + address);
        await page.getByText(has).first().waitFor();
        assert.equal(await page.locator("h1").count(), 1, "one title");
        assert.deepEqual(await findings(page), []);
        assert.deepEqual(await cutOff(page), []);
        assert.deepEqual(complaints, []);
      });
    }
    await close();
  });
}
