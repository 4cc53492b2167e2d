// The page that opens, for who has never seen it: what ran, from where to where, what failed, and how to see it again.
import assert from "node:assert/strict";
import { exec } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { until, weir } from "../support/weir.mjs";

const shell = promisify(exec);
const { server, page, complaints, at, button } = await begin(weir, {
  more: (server) =>
    until("the sample ran", async () => {
      const { items } = await server.get("/api/v1/streams");
      return items.length >= 7 && items.every((it) => it.closedAt);
    }),
});
const project = join(server.dir, "flights");
const flights = () => page.getByRole("listitem").filter({ hasText: "flights-2001" }).first();

test("the first page says what ran, where it reads and writes, and why records failed", async () => {
  await at("/");
  const it = flights();
  await it.getByText("Read 20,006 records from 6 files.").waitFor();
  await it.getByText(`${project}/in`, { exact: true }).waitFor();
  await it.getByText(`${project}/out/severe`, { exact: true }).waitFor();
  await it.getByText("20,000 records · stage archive").waitFor();
  await it.getByText("4 at stage read, 2 at stage derive").waitFor();
  await it.getByText("input is out of range").waitFor();
  await page.getByText("Deployedflights").waitFor();
  // What nobody needs to know at first stands nowhere, and no chart of nothing.
  for (const word of ["DeploymentRoot", "lane", "access-coordinator"])
    assert.equal(await page.locator("main").getByText(word).count(), 0, word);
  assert.equal(await page.getByRole("img", { name: /Records per second/ }).count(), 0);
  await page.getByText("Nothing passed while this page was open").waitFor();
  assert.deepEqual(await findings(page), []);
});

test("the command that is shown runs it again, and the page shows that", async () => {
  const it = flights();
  const command = it.locator("code", { hasText: /^cp / });
  await shell(await command.innerText());
  await it.getByText("Read 23,688 records from 7 files.").waitFor();
  await page.getByRole("img", { name: /Records per second/ }).waitFor();
});

test("each step leads where it says", async () => {
  const it = flights();
  await it.getByRole("link", { name: "Look at them of flights" }).click();
  await page.getByText("By stage and reason").waitFor();
  await page.goBack();
  await page.getByRole("link", { name: /^Dead letters/ }).click();
  await page.waitForURL("**/workflows/flights?tab=letters");
  await page.goBack();
  await flights().getByRole("link", { name: "Try it on a sample (flights)" }).click();
  await page.getByText("Nothing was tried yet").waitFor();
  await at("/workflows/flights?stage=severe");
  const stage = page.getByRole("region", { name: "Stage severe" });
  await stage.getByText(`${project}/out/severe`, { exact: true }).waitFor();
});

test("what was put away is brought back", async () => {
  await at("/");
  const note = page.getByRole("complementary", { name: "What you see" });
  await note.getByRole("button", { name: "Got it" }).click();
  await note.waitFor({ state: "detached" });
  await page.reload();
  await button("What is this?").click();
  await note.waitFor();
  assert.deepEqual(complaints, []);
});
