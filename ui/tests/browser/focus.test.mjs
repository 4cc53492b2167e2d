// Where the keyboard is through a designer's day: never nowhere, and a few keys from where one goes next.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { until, weir } from "../support/weir.mjs";

const { server, page, complaints, at, button, dialog } = await begin(weir);
const WORKFLOW = "/projects/flights/assets/workflows/flights.yaml";
const stage = (name) => page.locator(`.react-flow__node[data-id="${name}"]`);
const inspector = () => page.locator("aside[aria-label^=Inspector]");
const press = async (...keys) => {
  for (const it of keys) await page.keyboard.press(it);
};

/** What has the keyboard, in words; editors of scripts have a tree of their own. */
const here = () =>
  page.evaluate(() => {
    let it = document.activeElement;
    while (it?.shadowRoot?.activeElement) it = it.shadowRoot.activeElement;
    const said = [it?.getAttribute("aria-label"), it?.labels?.[0]?.textContent, it?.textContent];
    return `${it?.tagName} ${said.find((one) => one) ?? ""}`.slice(0, 80);
  });
const isAt = async (pattern) => {
  let said;
  await until(
    `the keyboard is at ${pattern}`,
    async () => {
      said = await here();
      return pattern.test(said);
    },
    5_000,
  ).catch(() => assert.match(said, pattern));
};

test("a project and an asset are created, and their pages have the keyboard", async () => {
  await at("/projects");
  await button("Create … a project").focus();
  await press("Enter");
  await dialog().waitFor();
  await page.keyboard.type("held");
  await press("Enter");
  await page.waitForURL("**/projects/held");
  await isAt(/^H1 held/);
  await button("New … asset").focus();
  await press("Enter");
  await dialog().waitFor();
  await page.keyboard.type("first");
  await press("Enter");
  await page.waitForURL("**/assets/workflows/first.yaml");
  await isAt(/^H1 first/);
  await page.getByText("There are no stages yet").waitFor();
  await press("a");
  await isAt(/^INPUT Find a stage/);
});

test("saving takes the keyboard from no field, and what was just typed in it is saved", async () => {
  await at(`${WORKFLOW}?stage=route`);
  const name = inspector().getByLabel("Name", { exact: true });
  await name.fill("branch");
  await press("Control+s");
  await page.getByText("saved", { exact: true }).waitFor();
  await stage("branch").waitFor();
  await isAt(/^INPUT Name/);
  const path = "/api/v1/projects/flights/assets/workflows%2Fflights.yaml";
  assert.match((await server.get(path)).text, /name: branch/);
  // Also where there is nothing to save, and by the button, which can't be pressed afterwards.
  await press("Control+s");
  await isAt(/^INPUT Name/);
  await name.fill("route");
  await press("Enter");
  await stage("route").waitFor();
  await isAt(/^INPUT Name/);
  await button("Save").focus();
  await press("Enter");
  await page.getByText("saved", { exact: true }).waitFor();
  await isAt(/^BUTTON Save/);
});

test("from stage to stage, to its form and back, to the palette and the problems", async () => {
  await at(`${WORKFLOW}?stage=route`);
  await inspector().getByLabel("Name", { exact: true }).focus();
  await press("Escape");
  await isAt(/Stage route/);
  await press("ArrowLeft");
  await isAt(/Stage derive/);
  await page.waitForURL("**stage=derive**");
  await press("e");
  await isAt(/^INPUT Name/);
  await press("Escape", "ArrowRight", "a");
  await isAt(/^INPUT Find a stage/);
  await press("Escape");
  await isAt(/Stage /);
});

test("what is added has the keyboard, and what is removed leaves it beside", async () => {
  await at("/projects/held/assets/workflows/first.yaml");
  await page.getByText("There are no stages yet").waitFor();
  await page.locator("[data-palette]").focus();
  for (const it of ["generator", "mapping", "javascript", "devNull"]) {
    await page.keyboard.press("Control+a");
    await page.keyboard.type(it);
    await press("Enter");
    await page.getByText(`Added ${{ generator: "read", devNull: "discard" }[it] ?? it}`).waitFor();
  }
  await stage("mapping").click();
  const add = page.getByRole("button", { name: "Add to set" });
  const field = inspector().locator("div", { has: add }).last().getByPlaceholder("name");
  await field.fill("country");
  await press("Enter");
  await isAt(/country of set/);
  await page.keyboard.type("upper(code)");
  await inspector().getByRole("button", { name: "Remove country of set" }).focus();
  await press("Enter");
  await page.waitForFunction(() => document.activeElement !== document.body);
  assert.ok(await inspector().evaluate((it) => it.contains(document.activeElement)));
  // A tool that has just deleted can't be pressed again, and is where it was.
  await stage("discard").click();
  await button("Delete").focus();
  await press("Enter");
  await stage("discard").waitFor({ state: "detached" });
  await isAt(/^BUTTON Delete/);
  await stage("javascript").click();
  await stage("javascript").focus();
  await press("Delete");
  await stage("javascript").waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement !== document.body);
  assert.deepEqual(complaints, []);
});

test("a plan is made, and its button has the keyboard still", async () => {
  await at("/projects/flights?tab=deploy");
  await page.getByLabel("Tag").fill("f1");
  await button("Plan flights").focus();
  await press("Enter");
  await page.waitForURL("**operation=**");
  await isAt(/^BUTTON Plan/);
  await page
    .getByText(/succeeded|failed/)
    .first()
    .waitFor();
  await isAt(/^BUTTON Plan/);
});

test("who put the keyboard nowhere is left alone", async () => {
  await at("/projects/flights?tab=assets");
  await page.getByRole("treeitem").first().waitFor();
  const item = page.getByRole("treeitem").first();
  await item.focus();
  await page.mouse.click(700, 880);
  const isNowhere = () => page.evaluate(() => document.activeElement === document.body);
  assert.ok(await isNowhere());
  await item.evaluate((it) => it.setAttribute("hidden", ""));
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
  assert.ok(await isNowhere());
});
