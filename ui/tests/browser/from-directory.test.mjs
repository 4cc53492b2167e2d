// The first way of everybody: what `weir dev` applied from its directory is deployed from the page, and what was
// done is found in the audit.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { filled } from "../support/filled.mjs";
import { until } from "../support/weir.mjs";

const { server, page, complaints, at, button, dialog, inDialog, closed } = await begin(filled);
const panel = (name) => page.getByRole("region", { name, exact: true });

test("what was applied from a directory is withdrawn where it stands in the way, and deployed", async () => {
  await at("/projects/flights?tab=deploy");
  await page.getByLabel("Tag", { exact: true }).fill("first");
  await button("Plan flights").click();
  const plan = panel("Plan of first");
  await plan.getByText("Something stands in the way of making it the default").waitFor();
  await plan.getByRole("button", { name: "Withdraw … flights" }).first().click();
  const ends = dialog().getByRole("list", { name: "What ends" });
  await ends.getByText("airports").waitFor();
  assert.deepEqual(await findings(page), []);
  await inDialog("Withdraw").click();
  await closed();
  // It is planned again by itself.
  const deploy = plan.getByRole("button", { name: "Deploy and make it the default" });
  await page.getByRole("list", { name: "What stands in the way" }).waitFor({ state: "detached" });
  await until("it can be deployed", async () => !(await deploy.getAttribute("aria-disabled")));
  await deploy.click();
  await panel("Deployed first").getByText("active").waitFor();
  const { default: tag, applied } = await server.get("/api/v1/deployments");
  assert.deepEqual([tag, applied], ["first", []]);
  assert.deepEqual(complaints, []);
});

test("an entry of the audit is opened, leads to what it is about, and has an address", async () => {
  await at("/audit");
  await page.getByRole("textbox", { name: "Of" }).fill("deployment/v");
  await page.waitForURL("**/audit?filter=deployment%2Fv");
  await page.getByText("key create").waitFor({ state: "detached" });
  await page.getByRole("cell", { name: "deployment/v2" }).click();
  await page.waitForURL("**&entry=*");
  await page.reload();
  await dialog().getByRole("region", { name: "After" }).getByText('"tag": "v2"').waitFor();
  assert.deepEqual(await findings(page), []);
  await dialog().getByRole("link", { name: "deployment/v2" }).click();
  await page.waitForURL("**/deployments?tag=v2");
  // One chain has no switch: the server is the engine.
  await at("/audit?only=refused&who=ada");
  await page.getByText("No entry has that").waitFor();
  assert.ok(await page.getByLabel("Only what was refused").isChecked());
  assert.equal(await page.getByRole("radiogroup", { name: "Whose audit" }).count(), 0);
  assert.deepEqual(complaints, []);
});
