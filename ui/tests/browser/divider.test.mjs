// What is tried leaves the canvas its room: how much, one says with a divider, by the mouse or the keyboard.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { until, weir } from "../support/weir.mjs";

const { page, complaints, at, button } = await begin(weir);
const FLIGHTS = "/projects/flights/assets/workflows/flights.yaml";
const divider = () => page.getByRole("separator", { name: /^Height of the canvas/ });
const height = async () => (await page.locator(".react-flow").boundingBox()).height;

/** All stages, and whether they can be seen in the canvas. */
async function seen() {
  const canvas = await page.locator(".react-flow").boundingBox();
  const nodes = await page.locator(".react-flow__node").all();
  const boxes = await Promise.all(nodes.map((it) => it.boundingBox()));
  return boxes.map(
    (it) =>
      it.x >= canvas.x &&
      it.y >= canvas.y &&
      it.x + it.width <= canvas.x + canvas.width &&
      it.y + it.height <= canvas.y + canvas.height,
  );
}

test("the canvas has its room while something is tried, and all stages are in it", async () => {
  await at(FLIGHTS);
  await page.locator(".react-flow__node").first().waitFor();
  await button("Try it …").click();
  await divider().waitFor();
  await until("all are in view", async () => (await seen()).every(Boolean));
  assert.equal((await seen()).length, 6);
  assert.ok((await height()) >= 240, `the canvas is ${await height()} high`);
  assert.deepEqual(await findings(page), []);
});

test("the divider is dragged, moved by keys, and stays where it was", async () => {
  const before = await height();
  const box = await divider().boundingBox();
  await page.mouse.move(box.x + 300, box.y + 4);
  await page.mouse.down();
  await page.mouse.move(box.x + 300, box.y + 84, { steps: 4 });
  await page.mouse.up();
  const dragged = await height();
  assert.ok(dragged > before + 60, `${before} → ${dragged}`);
  await divider().focus();
  await page.keyboard.press("ArrowUp");
  const now = await height();
  assert.ok(now < dragged && now > before, `${before} < ${now} < ${dragged}`);
  await until("all are in view", async () => (await seen()).every(Boolean));
  await page.reload();
  await divider().waitFor();
  assert.ok(Math.abs((await height()) - now) <= 2, `${now} → ${await height()}`);
  await until("all are in view again", async () => (await seen()).every(Boolean));
});

test("a stage that is added is brought into view", async () => {
  await button("Close").click();
  for (let n = 0; n < 3; n++) {
    await page
      .getByRole("button", { name: /^mapping/ })
      .first()
      .click();
    const count = 7 + n;
    await until("it is drawn and seen", async () => {
      const all = await seen();
      return all.length === count && all.every(Boolean);
    });
  }
  assert.deepEqual(complaints, []);
});
