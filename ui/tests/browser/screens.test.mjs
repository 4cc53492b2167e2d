// Every screen: it is drawn, the browser has nothing to complain of (the page's policy, other hosts, errors), axe finds
// nothing serious in either scheme, and in narrow windows, as of a telephone or of a page that is enlarged four times,
// nothing is out of reach.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings, open } from "../support/browser.mjs";
import { shown } from "../support/filled.mjs";
import { beyond, cutOff } from "../support/narrow.mjs";
import { SCREENS } from "../support/screens.mjs";
import { until } from "../support/weir.mjs";

const { server, chrome } = await begin(shown);
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

const WIDE = { width: 1440, height: 900 };
/** Whether no colour that is seen is on its way to another. What is folded away stands still in the middle of it. */
const stands = () =>
  document
    .getAnimations()
    .filter((it) => it instanceof CSSTransition)
    .every((it) => !it.effect?.target?.checkVisibility({ contentVisibilityAuto: true }));

test("all screens", async (t) => {
  const { page, complaints, close } = await open(chrome);
  for (const { name, path, has } of SCREENS) {
    await t.test(name, async () => {
      complaints.length = 0;
      await page.setViewportSize(WIDE);
      const address = typeof path === "function" ? path(server.names) : path;
      await page.goto(server.url + address);
      await page.getByText(has).first().waitFor();
      await until("one title", async () => (await page.locator("h1").count()) === 1);
      for (const colorScheme of ["dark", "light"]) {
        await page.emulateMedia({ colorScheme });
        await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
        await page.waitForFunction(stands);
        assert.deepEqual(await findings(page), [], colorScheme);
      }
      assert.deepEqual(await cutOff(page), []);
      for (const width of [700, 400, 320]) {
        await page.setViewportSize({ width, height: 700 });
        await page.getByText(has).first().waitFor();
        // Charts are drawn anew a moment after their room has changed.
        const fits = (it) => document.documentElement.scrollWidth === it;
        await page.waitForFunction(fits, width).catch(() => undefined);
        assert.deepEqual(await beyond(page), [], `${width} px`);
        const scrolls = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.equal(scrolls, width, "the page itself scrolls to the side");
      }
      assert.deepEqual(complaints, []);
    });
  }
  await close();
});
