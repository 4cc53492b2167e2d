// Graphs without a pointer: each stage and each edge is reached, says what it is, and does what it does when pressed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { weir } from "../support/weir.mjs";

const { page, complaints, at, button } = await begin(weir);
const edge = (name) => page.locator(`.react-flow__edge[aria-label="${name}"]`);

/** Goes on by the Tab key until that has the focus. */
async function tabTo(target, steps = 120) {
  for (let it = 0; it < steps; it++) {
    if (await target.evaluate((it) => it === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`the Tab key never came to ${target}`);
}

test("a stage as it runs says how much passes, and an edge leads to what passes there", async () => {
  await at("/workflows/flights");
  const stage = page.getByRole("button", {
    name: /^Stage route, filter route, .* in, .* out, /,
  });
  await stage.waitFor();
  const first = edge("Records from read to derive");
  await first.waitFor({ state: "attached" });
  await tabTo(first);
  await page.keyboard.press("Enter");
  await page.waitForURL("**stage=read**to=derive**");
  await page.getByRole("region", { name: "Sample data" }).waitFor();
  assert.match(await first.getAttribute("class"), /selected/);
  await tabTo(stage);
  await page.keyboard.press("Enter");
  await page.waitForURL("**stage=route");
  await page.getByRole("region", { name: "Stage route" }).waitFor();
  await page
    .getByRole("button", { name: /^Records from route, port severe/ })
    .last()
    .press("Enter");
  await page.waitForURL("**port=severe**");
  assert.deepEqual(await findings(page), []);
});

test("a stage is put onto an edge", async () => {
  await at("/projects/flights/assets/workflows/flights.yaml");
  const between = edge("Edge from read, port out, to derive");
  await between.waitFor({ state: "attached" });
  await tabTo(between, 200);
  await page.keyboard.press("Enter");
  await page.getByText("Goes between read and derive").waitFor();
  assert.deepEqual(await findings(page), []);
  await page.keyboard.press("a");
  await page.keyboard.type("mapping");
  await page.keyboard.press("Enter");
  await page.getByText(/^Added \S+ behind read$/).waitFor();
  await between.waitFor({ state: "detached" });
  // What was looked for last is not in the way.
  await page.keyboard.press("Escape");
  await page.locator(".react-flow__node").first().focus();
  await page.keyboard.press("a");
  await page.keyboard.type("thrott");
  const palette = page.getByRole("textbox", { name: "Find a stage to add" });
  assert.equal(await palette.inputValue(), "thrott");
  await button("Undo").press("Enter");
  await between.waitFor({ state: "attached" });
  await page.keyboard.press("Escape");
});

test("an edge is chosen in the outline, line by line", async () => {
  await page.reload();
  const outline = page.getByRole("complementary", { name: "Outline" });
  await outline.getByRole("button", { name: "Edge from read, port out, to derive" }).press("Enter");
  await page.getByText("Goes between read and derive").waitFor();
});

test("the browser had nothing to complain of", () => {
  assert.deepEqual(complaints, []);
});
