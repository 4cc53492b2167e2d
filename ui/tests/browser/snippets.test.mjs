// Snippets in the designer: made of stages of one workflow, and put into another one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { filled } from "../support/filled.mjs";

const { server, page, complaints, at, button, dialog } = await begin(filled);
const stage = (name) => page.locator(`.react-flow__node[data-id="${name}"]`);
const palette = () => page.getByRole("complementary", { name: "Palette" });
const inspector = () => page.locator("aside[aria-label^=Inspector]");
const item = (name) => palette().getByRole("button", { name }).first();
const text = (path) => server.get(`/api/v1/projects/sales/assets/${encodeURIComponent(path)}`);

async function workflow(name) {
  await at("/projects/sales");
  await button("New … asset").click();
  await dialog().getByRole("textbox", { name: "Name" }).fill(name);
  await dialog().getByRole("button", { name: "Create", exact: true }).click();
  await page.waitForURL(`**/projects/sales/assets/workflows/${name}.yaml`);
  await page.getByText("There are no stages yet").waitFor();
  await item("generator").click();
  await stage("read").waitFor();
}

test("stages of a workflow become a snippet, which another workflow gets", async () => {
  await at("/projects");
  await button("Create … a project").click();
  await dialog().getByRole("textbox", { name: "Name" }).fill("sales");
  await dialog().getByRole("button", { name: "Create", exact: true }).click();
  await page.waitForURL("**/projects/sales");
  await page.getByText("There is nothing in it yet").waitFor();

  await workflow("first");
  await item("throttle").click();
  await stage("throttle").waitFor();
  await item("devNull").click();
  await stage("discard").waitFor();
  await stage("throttle").click();
  await page.locator('.react-flow__node.selected[data-id="throttle"]').waitFor();
  await inspector().getByLabel("Name", { exact: true }).waitFor();
  await stage("discard").click({ modifiers: ["Control"] });
  await page.locator('.react-flow__node.selected[data-id="discard"]').waitFor();
  await button("Save as snippet …").click();
  await dialog().getByRole("textbox", { name: "Name" }).fill("slowly");
  assert.deepEqual(await findings(page), []);
  await dialog().getByRole("button", { name: "Save", exact: true }).click();
  await dialog().waitFor({ state: "detached" });
  const { text: saved } = await text("snippets/slowly.yaml");
  assert.match(saved, /kind: Snippet\n/);
  assert.match(saved, /- name: throttle\n {6}processor:/);
  assert.match(saved, /- name: discard\n {6}from: throttle\n/);
  await button("Save").click();
  await page.getByText("saved", { exact: true }).waitFor();

  await workflow("second");
  await palette().getByText("Goes behind read").waitFor();
  // By the keyboard: the first that is found.
  await page.keyboard.press("a");
  await page.keyboard.type("slowly");
  await page.keyboard.press("Enter");
  await stage("discard").waitFor();
  assert.equal(await page.locator(".react-flow__edge").count(), 2);
  await button("Undo").click();
  await stage("discard").waitFor({ state: "detached" });
  await button("Redo").click();
  await stage("discard").waitFor();
  await button("Save").click();
  await page.getByText("saved", { exact: true }).waitFor();
  const { text: second } = await text("workflows/second.yaml");
  assert.match(second, /- name: throttle\n {6}from: read\n/);
  const { valid, findings: found } = await fetch(`${server.url}/api/v1/projects/sales:validate`, {
    method: "POST",
  }).then((it) => it.json());
  assert.ok(valid, JSON.stringify(found));

  // A snippet is drawn as a workflow is, and can't be tried.
  await at("/projects/sales/assets/snippets/slowly.yaml");
  await stage("throttle").waitFor();
  assert.ok(await button("Try it …").isDisabled());
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
});
