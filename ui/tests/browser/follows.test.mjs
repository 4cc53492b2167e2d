// The canvas follows what is added and chosen, and a form what is typed in it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { command, until, weir } from "../support/weir.mjs";

const { server, page, complaints, at } = await begin(weir);
const stage = (name) => page.locator(`.react-flow__node[data-id="${name}"]`);
const inspector = () => page.locator("aside[aria-label^=Inspector]");
const palette = () => page.getByRole("complementary", { name: "Palette" });
const put = (path, text) =>
  fetch(`${server.url}/api/v1/projects/seen/assets/${encodeURIComponent(path)}`, {
    method: "PUT",
    headers: { "content-type": "application/json", "if-none-match": "*" },
    body: JSON.stringify({ text }),
  }).then(async (it) => assert.ok(it.ok, await it.text()));
const isSeen = async (name) => {
  await stage(name).waitFor();
  const [it, canvas] = [
    await stage(name).boundingBox(),
    await page.locator(".react-flow").boundingBox(),
  ];
  return (
    it.x >= canvas.x &&
    it.y >= canvas.y &&
    it.x + it.width <= canvas.x + canvas.width + 1 &&
    it.y + it.height <= canvas.y + canvas.height + 1
  );
};
const workflow = (name, stages) =>
  `apiVersion: weir/v1\nkind: Workflow\nmetadata:\n  name: ${name}\nspec:\n  stages:\n${stages.join("")}`;
const SOURCE =
  "    - name: read\n      source: { generator: { rate: 1, fields: [{ name: id, make: sequence }] } }\n";

test("what is added is in sight, and all of it as long as it can be read", async () => {
  await command(server.url, "POST", "/api/v1/projects", { name: "seen" });
  await put("workflows/grows.yaml", workflow("grows", [SOURCE]));
  await at("/projects/seen/assets/workflows/grows.yaml?stage=read");
  await stage("read").waitFor();
  const names = ["filterRoute", "javascript", "mapping", "throttle", "deduplicate", "aggregate"];
  for (const name of names) {
    await palette().getByRole("button", { name }).first().click();
    await stage(name).waitFor();
    await until(`${name} is in sight`, () => isSeen(name));
    if (name === "javascript") await until("so is where it began", () => isSeen("read"));
  }
});

test("two lines in a list are two, and the press that leaves it is none lost", async () => {
  await stage("aggregate").click();
  const key = inspector().getByRole("textbox", { name: /^key/ });
  await key.click();
  await page.keyboard.type("city", { delay: 20 });
  await page.keyboard.press("Enter");
  // Nothing happens, for longer than what is typed waits for: the empty line stays.
  await page.waitForTimeout(500);
  await page.keyboard.type("year", { delay: 20 });
  const add = inspector().getByRole("button", { name: "Add an entry to values" });
  await add.evaluate((it) => it.scrollIntoView({ block: "center" }));
  await key.focus();
  const before = await add.boundingBox();
  // As long as a hand presses.
  await page.mouse.click(before.x + 20, before.y + 10, { delay: 100 });
  await inspector().locator("details summary", { hasText: "2" }).first().waitFor();
  assert.equal(await key.inputValue(), "city\nyear");
  // What is emptied stays where it was, also once that has been told to everybody: nothing says when.
  await key.fill("");
  await inspector().getByLabel("Name", { exact: true }).focus();
  await page.waitForTimeout(500);
  assert.ok(await key.isVisible());
});

test("of a long workflow the chosen stage is shown, its beginning, or what is gone to by name", async () => {
  const rest = Array.from(
    { length: 80 },
    (_, it) =>
      `    - name: s${it}\n      from: ${it === 0 ? "read" : `s${it - 1}`}\n      processor: { throttle: { records: 10, per: 1s } }\n`,
  );
  await put("workflows/long.yaml", workflow("long", [SOURCE, ...rest]));
  await at("/projects/seen/assets/workflows/long.yaml");
  await until("its beginning is in sight", () => isSeen("read"));
  await at("/projects/seen/assets/workflows/long.yaml?stage=s60");
  await inspector().waitFor();
  await until("the one of the address is in sight", () => isSeen("s60"));
  await page.keyboard.press("Control+k");
  await page.getByPlaceholder("A view, workflow").fill("s30");
  await page.getByRole("option", { name: /^s30\s*Stage of long/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL("**stage=s30**");
  await until("the one that was named is in sight", () => isSeen("s30"));
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.id), "s30");
});

test("a port that is drawn onto a stage connects it, or says why not", async () => {
  const SINKS = ["one", "two"].map((it) => `    - name: ${it}\n      sink: { devNull: {} }\n`);
  await put("workflows/drawn.yaml", workflow("drawn", [SOURCE, ...SINKS]));
  await at("/projects/seen/assets/workflows/drawn.yaml");
  await stage("two").waitFor();
  const draw = async (name) => {
    const port = await stage("read").locator(".react-flow__handle.source").boundingBox();
    const to = await stage(name).boundingBox();
    await page.mouse.move(port.x + 4, port.y + 4);
    await page.mouse.down();
    await page.mouse.move(to.x + 120, to.y + 30, { steps: 8 });
    await page.mouse.up();
  };
  await draw("two");
  await page.getByText("Connected read to two").waitFor();
  await draw("two");
  await page.getByText(/^Not connected: /).waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0);
});

test("groups of the palette fold, and many assets of a project leave room for the rest", async () => {
  for (let it = 0; it < 12; it++)
    await put(
      `sources/from-${it}.yaml`,
      `apiVersion: weir/v1\nkind: Source\nmetadata:\n  name: from-${it}\nspec:\n  generator: { rate: 1, fields: [{ name: id, make: sequence }] }\n`,
    );
  await at("/projects/seen/assets/workflows/grows.yaml");
  const sources = palette().getByRole("region", { name: "Sources" });
  await sources.getByRole("button", { name: "4 more of this project" }).click();
  await sources.getByRole("button", { name: "from-9" }).waitFor();
  await sources.getByRole("button", { name: /^Sources/ }).click();
  assert.equal(await sources.locator("[data-item]").count(), 0);
  await palette().getByRole("textbox").fill("from-9");
  await sources.getByRole("button", { name: "from-9" }).waitFor();
  assert.deepEqual(complaints, []);
});
