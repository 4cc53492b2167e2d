// What a designer does again and again: where the focus stays, what a press does, and what becomes of two who work
// on one workflow.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { until, weir } from "../support/weir.mjs";

const { server, page, complaints, at, button, dialog, closed } = await begin(weir);
const FLIGHTS = "/projects/flights/assets/workflows/flights.yaml";
const file = join(server.dir, "flights", "workflows", "flights.yaml");
const inspector = () => page.locator("aside[aria-label^='Inspector']");
const stage = (id) => page.locator(`.react-flow__node[data-id='${id}']`);
const isSaved = () => page.getByText("saved", { exact: true }).waitFor();
const active = () => page.evaluate(() => document.activeElement?.tagName);

/** Draws from a stage's port to the middle of another stage. */
async function draw(from, to) {
  const port = await stage(from).locator(".react-flow__handle.source").first().boundingBox();
  const body = await stage(to).boundingBox();
  await page.mouse.move(port.x + port.width / 2, port.y + port.height / 2);
  await page.mouse.down();
  await page.mouse.move(body.x + body.width / 2, body.y + body.height / 2, { steps: 6 });
  await page.mouse.up();
}

test("a connection that is drawn to the middle of a stage connects it, or says why not", async () => {
  await at(FLIGHTS);
  await stage("read").waitFor();
  await draw("read", "route");
  await page.getByText("Connected read to route").waitFor();
  assert.equal(await dialog().count(), 0);
  await draw("route", "derive");
  await page.getByText(/^Not connected: /).waitFor();
  assert.equal(await dialog().count(), 0);
  await button("Discard").click();
  await isSaved();
});

test("who saves by a key goes on in the same field, and what is added is typed in next", async () => {
  await at(`${FLIGHTS}?stage=severe`);
  const directory = inspector().getByRole("textbox", { name: /^directory/ });
  await directory.fill("out/serious");
  await page.keyboard.press("Control+s");
  await isSaved();
  assert.equal(await directory.evaluate((it) => it === document.activeElement), true);
  await at(`${FLIGHTS}?stage=derive`);
  await inspector().getByRole("textbox", { name: "set", exact: true }).fill("country");
  await page.keyboard.press("Enter");
  await until("it has the focus", async () =>
    page.evaluate(
      () =>
        document.activeElement?.shadowRoot?.activeElement?.getAttribute("aria-label") ===
        "country of set",
    ),
  );
  assert.notEqual(await active(), "BODY");
  await button("Discard").click();
  await isSaved();
});

test("what has little to set shows it, and a button below a list takes the first press", async () => {
  await at(`${FLIGHTS}?stage=derive`);
  await inspector().waitFor();
  await page
    .getByRole("button", { name: /^aggregate/ })
    .first()
    .click();
  const judged = [];
  page.on("response", (it) => {
    if (it.url().endsWith("/findings")) judged.push(it.request().postData() ?? "");
  });
  const key = inspector().getByRole("textbox", { name: "key", exact: true });
  await key.click();
  await page.keyboard.type("route");
  await page.keyboard.press("Enter");
  await page.keyboard.type("day");
  const add = inspector()
    .getByRole("button", { name: /^Add an entry/ })
    .first();
  const entries = () => inspector().getByRole("textbox", { name: /^name/ }).count();
  const before = await entries();
  await add.evaluate((it) => it.scrollIntoView({ block: "center" }));
  // What is wrong so far is said above it once that is known.
  await until("what was typed last is judged", () => judged.at(-1)?.includes("day"));
  let box;
  await until("it stands still", async () => {
    const last = box?.y;
    box = await add.boundingBox();
    return box.y === last;
  });
  // As long as a hand presses.
  await page.mouse.click(box.x + 20, box.y + box.height / 2, { delay: 120 });
  await until("an entry is added", async () => (await entries()) === before + 1);
  await page
    .getByRole("button", { name: /^mapping/ })
    .first()
    .click();
  await inspector().getByPlaceholder("name").first().waitFor();
  await button("Discard").click();
  await isSaved();
});

test("two work on one workflow: what is not at odds is joined, and nothing is chosen for anybody", async () => {
  await at(`${FLIGHTS}?stage=severe`);
  const directory = inspector().getByRole("textbox", { name: /^directory/ });
  await directory.fill("out/mine");
  await page.getByText("● unsaved").waitFor();
  const base = await readFile(file, "utf8");
  const theirs = `${base}\n    - name: nothing\n      from: derive\n      sink: { devNull: {} }\n`;
  await writeFile(file, theirs);
  await button("Save").click();
  await dialog().getByText("both changes fit into one text").waitFor();
  assert.deepEqual(await findings(page), []);
  await dialog().getByRole("button", { name: "Save both changes" }).click();
  await closed();
  await isSaved();
  const joined = await readFile(file, "utf8");
  assert.match(joined, /out\/mine/);
  assert.match(joined, /name: nothing/);
  // Both change one field: one has to choose.
  await directory.fill("out/again");
  await page.getByText("● unsaved").waitFor();
  await writeFile(file, joined.replace("out/mine", "out/theirs"));
  await button("Save").click();
  const save = dialog().getByRole("button", { name: "Save what is chosen" });
  await save.waitFor();
  assert.ok(await save.isDisabled());
  assert.equal(await dialog().getByRole("radio", { checked: true }).count(), 0);
  await dialog().getByRole("button", { name: "Go on editing" }).click();
  await closed();
});

test("what is discarded is theirs by then, and stays so", async () => {
  await page.reload();
  await page.getByText("Somebody else saved another version of it").waitFor();
  await button("Discard").click();
  await isSaved();
  await page.reload();
  await isSaved();
  const directory = inspector().getByRole("textbox", { name: /^directory/ });
  assert.equal(await directory.inputValue(), "out/theirs");
  assert.equal(await page.getByText("What you had typed and not saved").count(), 0);
  assert.deepEqual(complaints, []);
});
