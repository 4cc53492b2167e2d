// Where stages stand: what was moved by hand is put back after a move, and after all was laid out anew.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { weir } from "../support/weir.mjs";

const { page, complaints, at, button } = await begin(weir);

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
