// Narrow windows, as of a telephone or of a page that is enlarged four times: nothing is out of reach.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { open } from "../support/browser.mjs";
import { filled } from "../support/filled.mjs";
import { beyond } from "../support/narrow.mjs";
import { SCREENS } from "../support/screens.mjs";

const { server, chrome } = await begin(() => filled({ isLive: true }));

for (const width of [320, 400, 700]) {
  test(`all screens in a window of ${width} px go on downwards alone`, async (t) => {
    const { page, complaints, close } = await open(chrome, "light", { width, height: 700 });
    for (const { name, path, has } of SCREENS) {
      await t.test(name, async () => {
        await page.goto(server.url + (typeof path === "function" ? path(server.names) : path));
        await page.getByText(has).first().waitFor();
        assert.deepEqual(await beyond(page), []);
        const scrolls = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.equal(scrolls, width, "the page itself scrolls to the side");
      });
    }
    assert.deepEqual(complaints, []);
    await close();
  });
}

test("views stand in one row, and the one that is shown is in sight", async () => {
  const { page, close } = await open(chrome, "light", { width: 400, height: 700 });
  await page.goto(`${server.url}/`);
  const views = page.getByRole("navigation", { name: "Views" });
  await views.waitFor();
  assert.ok((await views.boundingBox()).height < 50, "it is one row");
  await page.getByRole("link", { name: "Projects" }).first().press("Enter");
  await page.waitForURL("**/projects");
  const shown = views.locator("[aria-current=page]");
  const { x, width } = await shown.boundingBox();
  assert.ok(x > 0 && x + width < 400, `it stands from ${x} to ${x + width}`);
  await close();
});
