// A real cluster of two engines behind a configuration server: from its first log-in to the death of a node.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { cluster } from "../support/cluster.mjs";
import { written } from "../support/ticks.mjs";
import { until } from "../support/weir.mjs";

const PASSWORD = "a long pass phrase";

/** Two packages are stored there. */
async function packages(server) {
  for (const [tag, isMended] of [
    ["v1", false],
    ["v2", true],
  ]) {
    const file = join(server.dir, `${tag}.weir`);
    const project = await written(server.dir, isMended);
    await server.cli("build", project, "--unsigned", "--tag", tag, "--file", file);
    await server.cli("deployment", "upload", file);
  }
}
const { server, page, complaints, at, button, field, dialog, inDialog, closed } = await begin(
  cluster,
  { more: packages },
);

/** Of what can only be seen here, for who wants to look at it. */
async function picture(name) {
  if (!process.env.UI_PICTURES) return;
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(process.env.UI_PICTURES, `${name}-${colorScheme}.png`) });
  }
}

const nodesRun = () => page.getByRole("region", { name: "What nodes run" }).first();

test("the first administrator is made with the secret that the server wrote", async () => {
  await at("/log-in");
  await page.getByRole("link", { name: "Make the first administrator" }).click();
  const secret = await until("the server wrote the secret", async () => {
    const file = join(server.dir, "config-server", "config-server", "set-up-secret");
    return (await readFile(file, "utf8")).trim();
  });
  await page.getByText("Engines beside it have secrets of their own").waitFor();
  await field("secret").fill(secret);
  await field("name").fill("ada");
  await field("password").fill(PASSWORD);
  await field("again").fill(PASSWORD);
  await button("Make the first administrator").click();
  await button("ada ▾").waitFor();
  await page.getByText("Healthy: 2 nodes up").waitFor();
});

test("a deployment becomes the default by a plan for each node", async () => {
  await at("/deployments?tag=v1");
  await button("Make default …").click();
  await dialog().getByText("On 2 nodes").waitFor();
  assert.deepEqual(await findings(page), []);
  await inDialog("Make default").click();
  await closed();
  await until("both nodes run it", async () => {
    const { items } = await server.get("/api/v1/activations");
    return items.length === 2 && items.every((it) => it.current === "v1");
  });
  await nodesRun().getByText("v1").nth(3).waitFor();
});

test("the audit of the cluster says who did what there, and that of the server who logged in", async () => {
  await at("/audit");
  const activated = page.getByRole("row").filter({ hasText: "deployment activate" });
  await activated.filter({ hasText: "ada@" }).filter({ hasText: "done" }).first().waitFor();
  await button("Copy as command: weir audit list --cluster default").waitFor();
  await page.getByText("This server", { exact: true }).click();
  await page.waitForURL("**/audit?of=server");
  await page.getByRole("cell", { name: "user set-up" }).waitFor();
  assert.equal(await activated.count(), 0);
  assert.deepEqual(await findings(page), []);
});

test("a canary is started, seen, and ended", async () => {
  await at("/deployments?tag=v2");
  await button("Canary …").click();
  await dialog().getByText("v1 → v2").waitFor();
  await inDialog("Start").click();
  await closed();
  const canary = page.getByRole("region", { name: "Canary v2" });
  await canary.getByText(/left of 10 min/).waitFor();
  assert.deepEqual(await findings(page), []);
  await picture("canary");
  await canary.getByRole("button", { name: "End …" }).click();
  await inDialog("End").click();
  await closed();
  await canary.waitFor({ state: "detached" });
  const last = page.getByRole("region", { name: "The last canary" });
  await last.getByText("the canary v2 was ended: by command").waitFor();
});

test("a rule for one node moves that node alone", async () => {
  const [, second] = server.nodes;
  await at("/deployments");
  await button("Assign …").click();
  await dialog().getByRole("combobox", { name: "Node" }).click();
  await page.getByRole("option", { name: second }).click();
  await dialog().getByRole("combobox", { name: "Deployment" }).click();
  await page.getByRole("option", { name: "v2" }).click();
  await dialog().getByText("v1 → v2").waitFor();
  await inDialog("Assign").click();
  await closed();
  await until("that node runs it", async () => {
    const { items } = await server.get("/api/v1/activations");
    return items.find((it) => it.node === second)?.current === "v2";
  });
});

test("a drain is planned instance by instance, and is what then happens", async () => {
  const [, second] = server.nodes;
  await until("something runs there", async () => {
    const { workflows } = await server.get("/api/v1/scheduler");
    return workflows.some((it) => it.nodes[second] > 0);
  });
  await at(`/nodes/${second}`);
  await button("Drain …").click();
  await dialog().getByRole("status").waitFor();
  const planned = dialog().locator("tbody tr");
  await planned.first().waitFor();
  const rows = await planned.allInnerTexts();
  for (const it of rows) assert.match(it, /#\d+\s+(127\.0\.0\.2|▲ nowhere)/);
  assert.deepEqual(await findings(page), []);
  if (rows.some((it) => it.includes("nowhere"))) await dialog().getByLabel("to go on").fill(second);
  await inDialog("Drain").click();
  await closed();
  await until("nothing runs there any more", async () => {
    const { workflows } = await server.get("/api/v1/scheduler");
    return workflows.every((it) => !it.nodes[second]);
  });
  await button("Undrain …").click();
  await inDialog("Undrain").click();
  await closed();
});

test("who hears whom is seen", async () => {
  await at("/cluster");
  await page.getByRole("region", { name: "Links", exact: true }).getByText("up").first().waitFor();
  // They come and go with members, which stand still: nothing is asked for again, whatever is gossiped.
  const asked = [];
  const note = (request) => request.url().includes("/cluster/links") && asked.push(request.url());
  page.on("request", note);
  const versionOf = async () => (await server.get("/api/v1/cluster/members")).version;
  const version = await versionOf();
  await until("the list was gossiped", async () => (await versionOf()) !== version);
  page.off("request", note);
  assert.deepEqual(asked, []);
  assert.deepEqual(await findings(page), []);
});

test("a drained node and a paused stream are noted where one looks", async () => {
  const [, second] = server.nodes;
  await server.cli("node", "drain", second);
  const stream = await until("lanes work on the other node alone, and one is paused", async () => {
    const { items } = await server.get("/api/v1/streams?state=open");
    const { items: paused } = await server.get("/api/v1/streams?state=paused");
    if (items.some((it) => it.node === second)) return undefined;
    if (paused.length === 0 && items[0]) await server.cli("stream", "pause", items[0].id);
    return paused[0];
  });
  await at("/");
  const drained = page.getByRole("listitem").filter({ hasText: `${second} is drained` });
  await drained.waitFor();
  const row = page
    .getByRole("listitem")
    .filter({ hasText: /1 stream paused|has paused streams: 1/ });
  assert.deepEqual(await findings(page), []);
  await picture("notes");
  // About a tenth of its records is bad.
  await page
    .getByText(/ticks has dead letters .*; ([5-9](\.\d)?|1\d) % of its records go there now/)
    .first()
    .waitFor();
  await row.getByRole("link", { name: `Open ${stream.workflow}` }).click();
  await page.waitForURL("**state=paused**");
  await at(`/workflows/${stream.workflow}`);
  await page.getByText("1 stream paused: nothing more is read there").waitFor();
  await at("/alarms");
  await page.getByRole("row").filter({ hasText: "is drained" }).getByText("note").waitFor();
  await server.cli("stream", "resume", stream.id);
  await server.cli("node", "undrain", second);
  await at("/");
  await page.getByText("Newest streams").waitFor();
  await drained.waitFor({ state: "detached" });
});

test("a lane that was aborted leads to where it is reset", async () => {
  const stream = await until("a lane works", async () => {
    const { items } = await server.get("/api/v1/streams?state=open");
    return items[0];
  });
  await server.cli("stream", "abort", stream.id);
  await at(`/streams/${stream.id}`);
  const link = page.getByRole("link", { name: /^1 item of ticks\/.* failed: reset …/ });
  await link.waitFor();
  await picture("aborted");
  await link.click();
  await page.waitForURL("**status=failed**");
  await page.getByText(stream.item).first().waitFor();
});

test("a node dies while its detail is open: it is lost, and the overview names it", async () => {
  const [, second] = server.nodes;
  await at(`/nodes/${second}`);
  await page.getByText("Controllers here").waitFor();
  const logs = await page.context().newPage();
  await logs.goto(`${server.url}/nodes/${second}?tab=logs`);
  const lines = logs.getByRole("region", { name: "Log", exact: true }).getByRole("button");
  await lines.first().waitFor();
  await server.kill(second);
  await page
    .getByText(/unreachable|is down|down|is no member/)
    .first()
    .waitFor();
  await until("it is said since when", async () => {
    const { members } = await server.get("/api/v1/cluster/members");
    const found = members.find((it) => it.name === second);
    return !found?.unreachable || found.unreachableSince;
  });
  await at("/");
  await page.getByText(/^[▲◆]\s*(Impaired|Degraded): /).waitFor();
  await at("/alarms");
  // It did not leave by itself: that stays a problem after it was removed, until somebody says otherwise.
  const gone = page.getByRole("row").filter({ hasText: second }).filter({ hasText: "warning" });
  // What is not so bad any more is written down once a minute at most.
  await gone.getByText("is gone").waitFor({ timeout: 120_000 });
  await at(`/nodes/${second}`);
  await page.getByText("It was lost").waitFor();
  await page.getByText("says where all of it runs").waitFor();
  await at("/deployments");
  const lost = (name) =>
    page.getByRole("row").filter({ hasText: second }).filter({ hasText: name });
  await nodesRun().locator(lost("once it is back")).getByText("lost").waitFor();
  await picture("deployments-lost");
  await at("/nodes");
  await lost("lost").waitFor();
  await picture("nodes-lost");
  assert.deepEqual(await findings(page), []);
  await at("/");
  await page.getByText("up, 1 lost").waitFor();
  assert.deepEqual(await findings(page), []);
  // What it logged last is what one needs now.
  await logs.getByText(`Nothing more comes from ${second}`).waitFor();
  await logs.getByText("It was lost").waitFor();
  assert.ok((await lines.count()) > 0, "the lines stay");
  assert.equal(await logs.getByText("did you mean").count(), 0);
  await logs.close();
  await button(`Put away ${second}`).click();
  await page.getByText("up, 1 lost").waitFor({ state: "detached" });
  await page.reload();
  await page.getByText("Newest streams").waitFor();
  assert.equal(await button(`Put away ${second}`).count(), 0);
});

test("no engine answers: the cluster is named as unreachable, with the cause", async () => {
  const [first] = server.nodes;
  await at("/");
  await page.getByText("Newest streams").waitFor();
  server.signal(first, "SIGSTOP");
  try {
    await page.getByText(/^▲ Out of reach: /).waitFor({ timeout: 90_000 });
    await page.getByText(/^The cluster can’t be reached.*: .* The fleet says how/).waitFor();
    assert.deepEqual(await findings(page), []);
    await picture("away");
    await page.getByRole("link", { name: "Alarms", exact: true }).first().click();
    const beyond = page.getByRole("region", { name: "Clusters that can’t be used" });
    await beyond.getByText("can't be reached").waitFor();
    await page.reload();
    await beyond.getByText("can't be reached").waitFor();
    await picture("away-alarms");
  } finally {
    server.signal(first, "SIGCONT");
  }
});

test("the browser had nothing to complain of", () => {
  assert.deepEqual(complaints, []);
});
