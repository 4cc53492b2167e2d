// Clusters that don't answer: what is not known is not told as nothing, and what is wrong elsewhere is told here.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { freePorts } from "../support/ports.mjs";
import { command, until, weir } from "../support/weir.mjs";

const moon = async (server) => {
  const urls = (await freePorts(2)).map((port) => `http://127.0.0.1:${port}`);
  await command(server.url, "POST", "/api/v1/clusters", { name: "moon", urls, note: "" });
  await until("the server looked at it", async () => {
    const { items } = await server.get("/api/v1/clusters");
    return items.find((it) => it.name === "moon")?.standing?.reachable === false;
  });
};
const { page, complaints, at } = await begin(weir, { more: moon });
const main = page.getByRole("main");

test("a cluster that can't be reached says so in each view, and leads to the fleet", async () => {
  await at("/at/moon/");
  await main.getByText(/^▲ Out of reach: /).waitFor();
  await page.locator("#live-mark", { hasText: "Out of reach" }).waitFor();
  // It is told once, with all of its addresses; what is not known because of it refers to that.
  await main.getByText(/The cluster moon can’t be reached, at none of .*, .*: /).waitFor();
  await main.getByText("Not known: the cluster can’t be reached").first().waitFor();
  await until("no panel says it again", async () => {
    return (await main.getByText("weir.config-server.engines").count()) === 0;
  });
  assert.equal(await main.getByText("does not answer").count(), 1);
  assert.deepEqual(await findings(page), []);
  for (const view of ["/streams", "/alarms", "/workflows", "/nodes", "/deployments"]) {
    await at(`/at/moon${view}`);
    await main.getByRole("region").getByRole("alert").first().waitFor();
    assert.equal(await main.getByText(/\b0 (streams|alarms)/).count(), 0, view);
    await until("nothing is on its way", async () => {
      const loading = await main.getByText("Loading", { exact: true }).count();
      return loading === 0;
    });
  }
  await main.getByRole("link", { name: "The fleet" }).click();
  await page.waitForURL("**/at/moon/fleet");
});

test("a cluster that is not known is said not to be", async () => {
  await at("/at/nirvana/workflows");
  await main.getByText(/Nothing is known of the cluster nirvana/).waitFor();
  await main.getByRole("region").getByRole("alert").first().waitFor();
});

test("what is wrong elsewhere is told here", async () => {
  await at("/");
  await main.getByText(/Elsewhere, moon can't be used/).waitFor();
  await at("/alarms");
  const row = main.getByRole("listitem").filter({ hasText: "Cluster moon" });
  await row.getByRole("link", { name: "Open Cluster moon" }).click();
  await page.waitForURL("**/fleet");
  assert.deepEqual(complaints, []);
});
