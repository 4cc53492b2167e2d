// Where things stand: stages that were moved by hand are put back after all was laid out anew, and views fit into a
// narrow window.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { open } from "../support/browser.mjs";
import { weir } from "../support/weir.mjs";

const { server, chrome, page, complaints, at, button } = await begin(weir);

test("a layout that was made by hand comes back after it was tidied", async () => {
  await at("/projects/flights/assets/workflows/flights.yaml");
  const node = page.locator(".react-flow__node[data-id=archive]");
  const place = async () => node.evaluate((it) => it.style.transform);
  await node.waitFor();
  assert.equal(await button("Put back").isDisabled(), true);
  const first = await place();
  const { x, y } = await node.boundingBox();
  await page.mouse.move(x + 20, y + 12);
  await page.mouse.down();
  await page.mouse.move(x + 60, y + 80, { steps: 8 });
  await page.mouse.up();
  const byHand = await place();
  assert.notEqual(byHand, first);
  await button("Tidy").click();
  assert.notEqual(await place(), byHand);
  await button("Put back").click();
  assert.equal(await place(), byHand);
  assert.deepEqual(complaints, []);
});

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
