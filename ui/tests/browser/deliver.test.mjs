// From a project to what a cluster runs: planned, forbidden, deployed; its tests; and the clusters that there are.
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { filled } from "../support/filled.mjs";
import { command, until, weir } from "../support/weir.mjs";

const { server, page, complaints, at, button, dialog } = await begin(filled);
const panel = (name) => page.getByRole("region", { name, exact: true });
const steps = () => page.getByRole("list", { name: "Steps" });

test("a deploy is planned, and what was planned is deployed", async () => {
  // What was applied from its directory has the names of the same workflows: the plan says so.
  await at("/projects/flights?tab=deploy");
  await button("Plan flights").click();
  const obstacles = page.getByRole("list", { name: "What stands in the way" });
  await obstacles.getByText("weir deployment withdraw flights").waitFor();
  const refused = button("Deploy and make it the default");
  assert.equal(await refused.getAttribute("aria-disabled"), "true");
  await server.cli("deployment", "withdraw", "flights", "--management", server.management);
  await at("/projects/flights?tab=deploy");
  await page.getByLabel("Tag", { exact: true }).fill("d1");
  await page.getByRole("textbox", { name: "Description" }).fill("by hand");
  await button(
    "Copy as command: weir deploy flights --tag d1 --description 'by hand' --plan",
  ).waitFor();
  await button("Plan flights").click();
  const plan = panel("Plan of d1");
  await plan.getByText("airports, flights").waitFor();
  assert.deepEqual(await findings(page), []);
  const { items: none } = await server.get("/api/v1/deployments");
  assert.ok(!none.some((it) => it.tag === "d1"), "a plan stores nothing");

  // A plan of something else is no plan of this.
  await page.getByRole("textbox", { name: "Description" }).fill("by another hand");
  const deploy = plan.getByRole("button", { name: "Deploy and make it the default" });
  assert.equal(await deploy.getAttribute("aria-disabled"), "true");
  await page.getByRole("textbox", { name: "Description" }).fill("by hand");
  await deploy.click();
  const done = panel("Deployed d1");
  await done.getByText("active").waitFor();
  await steps().getByText("nodes that run it: 1 of 1").waitFor();
  await button(
    "Copy as command: weir deploy flights --tag d1 --description 'by hand' --activate --wait --timeout 5m",
  ).waitFor();
  assert.deepEqual(await findings(page), []);
  const { default: tag } = await server.get("/api/v1/deployments");
  assert.equal(tag, "d1");
  // It is the address's: whoever reloads the page sees it again.
  await page.reload();
  await done.getByText("active").waitFor();
  // What one has deployed it for is a press away.
  const runs = done.getByRole("navigation", { name: "What runs now" });
  await runs.getByRole("link", { name: "flights", exact: true }).click();
  await page.waitForURL("**/workflows/flights");
  await page.goBack();
  await done.getByRole("link", { name: "d1" }).click();
  await page.waitForURL("**/deployments?tag=d1");
  await page.getByText("by hand").first().waitFor();
  assert.deepEqual(complaints, []);
});

test("a plan that ends the work of another project names it, and has its name typed", async () => {
  await command(server.url, "POST", "/api/v1/projects", { name: "beside" });
  const text =
    "apiVersion: weir/v1\nkind: Workflow\nmetadata: { name: other }\nspec:\n  stages:\n    - { name: make, source: { generator: { rate: 5, fields: [{ name: id, make: sequence }] } } }\n    - { name: end, from: make, sink: { devNull: {} } }\n";
  await fetch(
    `${server.url}/api/v1/projects/beside/assets/${encodeURIComponent("workflows/other.yaml")}`,
    {
      method: "PUT",
      headers: { "content-type": "application/json", "if-none-match": "*" },
      body: JSON.stringify({ text }),
    },
  );
  await at("/projects/beside?tab=deploy");
  await page.getByLabel("Tag", { exact: true }).fill("b1");
  await button("Plan beside").click();
  const plan = panel("Plan of b1");
  const ends = plan.getByRole("list", { name: "What ends of other projects" });
  await ends.getByText("flights: airports, flights").waitFor();
  assert.deepEqual(await findings(page), []);
  await plan.getByRole("button", { name: "Deploy and make it the default" }).click();
  const go = dialog().getByRole("button", { name: "Deploy, and end these" });
  assert.equal(await go.isDisabled(), true);
  await dialog().getByRole("textbox").fill("flights");
  assert.equal(await go.isDisabled(), false);
  assert.deepEqual(await findings(page), []);
  await button("Cancel", dialog()).click();
  // Where it can't be looked whose it is, it is not done at once either.
  const hidden = (url) => url.pathname === "/api/v1/clusters/default/workflows";
  const problem = {
    type: "x",
    code: "WEIR-0",
    status: 403,
    title: "No",
    detail: "not yours to read",
  };
  const body = JSON.stringify(problem);
  await page.route(hidden, (it) =>
    it.fulfill({ status: 403, contentType: "application/problem+json", body }),
  );
  await page.reload();
  await plan.getByText("It is not known whose work it ends").waitFor();
  await plan.getByRole("button", { name: "Deploy and make it the default" }).click();
  assert.equal(await go.isDisabled(), true);
  await dialog().getByRole("textbox").fill("b1");
  assert.equal(await go.isDisabled(), false);
  await button("Cancel", dialog()).click();
  await page.unroute(hidden);
  const { default: tag } = await server.get("/api/v1/deployments");
  assert.equal(tag, "d1");
});

test("what forbids a deploy leads to where it is", async () => {
  const { directory } = await server.get("/api/v1/projects/flights");
  const file = join(directory, "workflows", "bad.yaml");
  const stage = "{ name: a, from: nowhere, sink: { discard: {} } }";
  await writeFile(
    file,
    `apiVersion: weir/v1\nkind: Workflow\nmetadata: { name: bad }\nspec: { stages: [${stage}] }\n`,
  );
  await at("/projects/flights?tab=deploy");
  await button("Plan flights").click();
  await panel("It did not go through").waitFor();
  const found = page.getByRole("list", { name: "What forbids it" });
  await found.getByText("there is no stage nowhere").waitFor();
  assert.deepEqual(await findings(page), []);
  await found
    .getByRole("link", { name: /^workflows\/bad\.yaml:4/ })
    .first()
    .click();
  await page.waitForURL("**/projects/flights/assets/workflows/bad.yaml?**");
  await rm(file);
  // A tag that is taken is known before anything is asked.
  await at("/projects/flights?tab=deploy");
  await page.getByLabel("Tag", { exact: true }).fill("v1");
  await page.getByText("There is a deployment v1 already").waitFor();
  await button("Plan flights").click();
  await panel("It did not go through").waitFor();
  assert.deepEqual(complaints, []);
});

test("what runs says how far it is, and ends where that is wanted", async () => {
  const { items } = await server.get("/api/v1/operations?kind=deploy");
  const real = items[0];
  const running = {
    ...real,
    state: "running",
    endedAt: undefined,
    problem: undefined,
    result: undefined,
    steps: [
      { name: "build", state: "done", message: "d2" },
      { name: "send", state: "running", percent: 40, message: "4 of 10 objects" },
      { name: "activate", state: "waiting" },
    ],
  };
  // How far a real one is when it is looked at can't be known.
  const topic = `operation:${real.id}`;
  const event = { topic, at: new Date().toISOString(), type: "whole", value: running };
  const isOfIt = (url) => url.searchParams.get("topics")?.includes(topic);
  await page.route(isOfIt, (it) =>
    it.fulfill({ contentType: "text/event-stream", body: `data: ${JSON.stringify(event)}\n\n` }),
  );
  await at(`/projects/flights?tab=deploy&operation=${real.id}`);
  await steps().getByText("4 of 10 objects").waitFor();
  const meter = steps().getByRole("meter", { name: "send: 40 percent" });
  assert.equal(await meter.getAttribute("value"), "40");
  assert.deepEqual(await findings(page), []);
  const asked = page.waitForRequest((it) => it.url().endsWith(`/operations/${real.id}/cancel`));
  await button("Cancel").click();
  assert.equal((await asked).method(), "POST");
  // The stream comes back, and says how it ended.
  await page.unroute(isOfIt);
  await panel("It did not go through").waitFor();
  assert.deepEqual(complaints, []);
});

test("tests are run, and what came otherwise stands beside what was expected", async () => {
  const { directory } = await server.get("/api/v1/projects/flights");
  const flight = "date,delay,distance,origin,destination\\n2001/02/28 10:30,65,1750,DTW,LAS\\n";
  await writeFile(
    join(directory, "tests", "more.yaml"),
    `apiVersion: weir/v1
kind: Test
metadata: { name: more }
spec:
  workflow: flights
  cases:
    - name: one flight is one record
      input: { read: [{ text: "${flight}" }] }
      expect: { archive: { count: 1 } }
    - name: an hour is only late
      input: { read: [{ text: "${flight}" }] }
      expect: { long: { fields: written, records: [{ route: DTW-LAS, delayClass: late }] } }
`,
  );
  await at("/projects/flights?tab=tests");
  await page.getByText("They were not run yet").waitFor();
  await page.getByLabel("Cases").first().fill("more/");
  await button("Run these").click();
  await page.getByText("1 failed, 1 of 2 passed.").waitFor();
  const cases = page.getByRole("list", { name: "Cases" });
  const failed = cases.getByRole("listitem").first();
  assert.match(await failed.textContent(), /an hour is only late/);
  await failed.getByText('"late"', { exact: true }).waitFor();
  await failed.getByText('"long"', { exact: true }).waitFor();
  assert.deepEqual(await findings(page), []);
  await failed
    .getByRole("link", { name: /tests\/more\.yaml:1\d/ })
    .first()
    .waitFor();
  // The last run is there for whoever comes later.
  await at("/projects/flights?tab=tests");
  await page.getByText("1 failed, 1 of 2 passed.").waitFor();
  assert.deepEqual(complaints, []);
});

test("variables of a file become secrets, and each says who opens it and where it is used", async () => {
  const put = (path, text) =>
    fetch(`${server.url}/api/v1/projects/flights/assets/${encodeURIComponent(path)}`, {
      method: "PUT",
      headers: { "content-type": "application/json", "if-none-match": "*" },
      body: JSON.stringify({ text }),
    });
  await put(
    "secrets/db.yaml",
    "apiVersion: weir/v1\nkind: Secret\nmetadata: { name: db }\nspec: { values: {} }\n",
  );
  await at("/projects/flights?tab=environments");
  await button("Import … secrets").click();
  const typed = dialog().getByRole("textbox", { name: "Variables" });
  await typed.fill("# of the shop\nexport PASSWORD='very secret'\nUSER_NAME=ada\nnonsense\n");
  await dialog().getByText("1 line can’t be read: 4").waitFor();
  await dialog().getByRole("checkbox", { name: "USER_NAME" }).uncheck();
  assert.deepEqual(await findings(page), []);
  await dialog().getByRole("button", { name: "Seal and write 1 secret", exact: true }).click();
  await dialog().waitFor({ state: "detached" });
  const row = page.getByRole("row", { name: /^PASSWORD/ });
  await row.getByText("opened by DefaultKey").waitFor();
  await row.getByText("nowhere").waitFor();
  assert.equal(await page.getByText("very secret").count(), 0);
  assert.equal(await page.getByText("USER_NAME").count(), 0);
  assert.deepEqual(await findings(page), []);

  // A key that was rotated still opens it: it is said that it is not the current one.
  await command(server.url, "POST", "/api/v1/keys:rotate", { alias: "newer" });
  await at("/projects/flights?tab=environments");
  await row.getByText("rotated meanwhile").waitFor();

  // On the way to a cluster it is sealed anew to the key that counts there.
  await at("/projects/flights?tab=deploy");
  await page.getByRole("combobox", { name: "Secrets" }).click();
  await page.getByRole("option", { name: "sealed anew to the current key of default" }).click();
  await page.getByText("The server opens them with the project’s own key").waitFor();
  await button(/^Copy as command: weir deploy flights .*--seal-to current/).waitFor();
  const [asked] = await Promise.all([
    page.waitForRequest((it) => it.method() === "POST" && it.url().endsWith("/flights/deploys")),
    button("Plan flights").click(),
  ]);
  assert.deepEqual(asked.postDataJSON().build.sealTo, [{}]);
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
});

test("the fleet: one cluster is gone, another is operated and deployed to from here", async () => {
  const { setting } = await server.get("/api/v1/clusters:issuer");
  const east = await weir([
    "-D",
    "weir.cluster.name=east-1",
    "-D",
    `weir.rest-server.trusted-servers=[${setting}]`,
  ]);
  try {
    await at("/fleet");
    const add = async (name, url) => {
      await button("Add … a cluster").click();
      await dialog().getByRole("textbox", { name: "Name" }).fill(name);
      await dialog().getByRole("textbox", { name: "Engines" }).fill(url);
      await dialog().getByRole("button", { name: "Add", exact: true }).click();
      await dialog().waitFor({ state: "detached" });
    };
    await add("east", east.rest);
    await add("gone", "http://127.0.0.1:1");
    await panel("gone").getByText("connection refused").waitFor();
    await panel("east").getByText("1 up").waitFor();
    await page.getByText("gone can’t be used.").waitFor();
    assert.deepEqual(await findings(page), []);
    await panel("east").getByRole("link", { name: "Operate east" }).click();
    await page.waitForURL("**/at/east/");
    await page.getByText("east · east-1").waitFor();
    await page.getByRole("link", { name: /^Workflows/ }).click();
    await page.waitForURL("**/at/east/workflows");
    await page.getByText("airports").first().waitFor();
    await button("Copy as command: weir --cluster east workflow list").waitFor();
    assert.deepEqual(await findings(page), []);

    await page.getByRole("link", { name: "Projects", exact: true }).click();
    await at("/at/east/projects/flights?tab=deploy");
    await page.getByLabel("Tag", { exact: true }).fill("e1");
    await page.getByText("Nothing runs").click();
    await button("Plan flights").click();
    await panel("Plan of e1").getByRole("button", { name: "Store" }).click();
    await panel("Deployed e1").waitFor();
    await panel("Deployed e1").getByRole("link", { name: "e1" }).click();
    await page.waitForURL("**/at/east/deployments?tag=e1");
    const stored = async (of) => (await of.get("/api/v1/deployments")).items.map((it) => it.tag);
    await until("it is there", async () => (await stored(east)).includes("e1"));
    assert.ok(!(await stored(server)).includes("e1"), "and nowhere else");

    await at("/fleet");
    await button("Remove … gone").click();
    await dialog().getByRole("button", { name: "Remove", exact: true }).click();
    await page.getByText("2 clusters, and all is well.").waitFor();
    assert.deepEqual(complaints, []);
  } finally {
    await east.stop();
    await command(server.url, "GET", "/api/v1/clusters").catch(() => undefined);
  }
});
