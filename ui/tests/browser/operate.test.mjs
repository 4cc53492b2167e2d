// What operators do with a workflow that has no end, and with deployments: on a real engine.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { filled, PASSWORD } from "../support/filled.mjs";
import { ticks } from "../support/ticks.mjs";
import { command, until } from "../support/weir.mjs";

const { server, page, complaints, at, button, dialog, inDialog, closed } = await begin(() =>
  filled({ isLive: true }),
);
const letters = async (query = "") =>
  (await server.get(`/api/v1/workflows/ticks/dead-letters?limit=500${query}`)).items;

test("what passes on an edge is seen beside the graph", async () => {
  await at("/workflows/ticks");
  await page.locator(".react-flow__edge-interaction").nth(1).dispatchEvent("click");
  await page.waitForURL("**to=derive**");
  await page.getByPlaceholder("Condition").fill("id % 2 = 0");
  await button("Look").click();
  await page.getByRole("columnheader", { name: "partition" }).waitFor();
  await page.getByText("that passed").waitFor();
  assert.deepEqual(await findings(page), []);
  await page.getByPlaceholder("Condition").fill("nothing = 1");
  await button("Look").click();
  await page.getByText("The condition can't be applied").waitFor();
});

test("dead letters are counted by reason, shown with their bytes, and exported", async () => {
  await at("/workflows/ticks?tab=letters");
  const region = page.getByRole("region", { name: "By stage and reason" });
  const reason = region.getByRole("button");
  await reason.first().click();
  await page.waitForURL("**stage=derive**");
  // What came since it was read is told, and only where the list would have it.
  const refresh = page.getByRole("button", { name: /^Refresh/ });
  await page.getByRole("button", { name: /^Refresh: \d+ new$/ }).waitFor();
  // Counted over all that are kept, whatever of them is shown.
  const asked = page.waitForResponse((it) => new URL(it.url()).searchParams.get("limit") === "1");
  await at("/workflows/ticks?tab=letters&state=discarded");
  await page.getByText("No letter has that").waitFor();
  await (await asked).finished();
  assert.equal(await refresh.innerText(), "Refresh");
  const { total } = await server.get("/api/v1/workflows/ticks/dead-letters:counts");
  const told = await region.getByText(/^[\d,]+ letters?, [\d,]+ waiting$/).innerText();
  const shown = Number(told.replace(",", "").match(/^\d+/)[0]);
  assert.ok(shown > 0 && shown <= total, `${told} of ${total}`);
  await reason.first().click();
  await page.waitForURL("**stage=derive**");
  await at("/workflows/ticks?tab=letters&stage=derive");
  await page.getByRole("region", { name: "Dead letters" }).locator("tbody tr").first().click();
  await page.waitForURL("**letter=**");
  await page.getByText('"partition":').first().waitFor();
  await button("As bytes").click();
  await page.getByText("000000  7b 22").waitFor();
  assert.deepEqual(await findings(page), []);
  const [download] = await Promise.all([page.waitForEvent("download"), button("Export").click()]);
  const lines = (await readFile(await download.path(), "utf8")).trim().split("\n");
  assert.ok(lines.length > 0);
  assert.equal(JSON.parse(lines[0]).stage, "derive");
});

test("a letter is discarded by the workflow's name, and the rest replayed by its plan after the fix", async () => {
  await ticks(server, true);
  await at("/workflows/ticks?tab=letters");
  await page.locator("tbody input[type=checkbox]").first().check();
  await button("Discard (1) …").click();
  const give = dialog().getByRole("button", { name: "Discard 1 letter" });
  await give.waitFor();
  assert.ok(await give.isDisabled(), "the name is not typed yet");
  await dialog().getByLabel("to go on").fill("ticks");
  await give.click();
  await closed();
  await until("one is discarded", async () => (await letters("&state=discarded")).length === 1);

  await button("Replay …").click();
  await dialog().getByText("as one stream").waitFor();
  assert.deepEqual(await findings(page), []);
  await inDialog(/^Replay \d+ letters?$/).click();
  await closed();
  const replays = page.getByRole("region", { name: "Replays" });
  await replays
    .getByRole("link", { name: /^replay-/ })
    .first()
    .waitFor();
  await replays.getByText("committed").first().waitFor();
  await until("all others are replayed", async () => {
    const states = (await letters()).map((it) => it.state);
    return (
      states.length > 1 && states.filter((it) => it === "replayed").length === states.length - 1
    );
  });
});

test("a savepoint is taken, looked at, refused while lanes work, and deleted by its name", async () => {
  await at("/workflows/ticks?tab=savepoints");
  await button("Take …").click();
  await dialog().getByLabel("Name", { exact: true }).fill("second");
  await inDialog("Take it").click();
  await closed();
  await page.getByRole("row", { name: /second.*whole/ }).click();
  await page.getByText("reads").first().waitFor();
  await button("Restore …").click();
  await dialog().getByText("worked on now").waitFor();
  assert.deepEqual(await findings(page), []);
  assert.ok(await inDialog("Restore").isDisabled());
  await inDialog("Cancel").click();
  await button("Delete …").click();
  await dialog().getByLabel("to go on").fill("second");
  await inDialog("Delete").click();
  await closed();
  await page.getByRole("row", { name: /second/ }).waitFor({ state: "detached" });
});

test("a workflow that was stopped is restored, and goes on from there", async () => {
  await server.cli("scheduler", "set", "ticks", "--target", "0");
  await at("/workflows/ticks?tab=savepoints&savepoint=before-upgrade");
  const plan = async () => {
    await button("Restore …").click();
    await dialog().getByText("Would begin at").waitFor();
    return (await dialog().getByText("worked on now").count()) === 0;
  };
  await until("nothing works on it any more", async () => {
    if (await plan()) return true;
    await inDialog("Cancel").click();
    return false;
  });
  await inDialog("Restore").click();
  await closed();
  const { items } = await server.get("/api/v1/audit?limit=20");
  assert.ok(items.some((it) => it.action === "workflow restore" && it.outcome === "done"));
  await server.cli("scheduler", "set", "ticks", "--target", "unset");
});

test("a rule is set by its plan, shown, and taken away", async () => {
  await at("/deployments");
  const { node } = server.names;
  await button("Assign …").first().click();
  await dialog().getByRole("combobox", { name: "Node" }).click();
  await page.getByRole("option", { name: node }).click();
  await dialog().getByRole("combobox", { name: "Deployment" }).click();
  await page.getByRole("option", { name: "DeploymentRoot" }).click();
  await dialog()
    .getByText(/Nothing starts or stops|→ DeploymentRoot/)
    .first()
    .waitFor();
  assert.deepEqual(await findings(page), []);
  await inDialog("Assign").click();
  await closed();
  const rules = page.getByRole("region", { name: /^Rules/ });
  await rules.getByText(node, { exact: true }).waitFor();
  await rules.getByRole("button", { name: "Take away" }).click();
  await inDialog("Take away").click();
  await closed();
  await rules.getByText(node, { exact: true }).waitFor({ state: "detached" });
});

test("a canary is planned, and what stands in its way is said", async () => {
  await at("/deployments?tag=v2");
  await button("Canary …").click();
  await dialog().getByRole("alert").waitFor();
  assert.ok(await inDialog("Start").isDisabled());
  assert.deepEqual(await findings(page), []);
  // What the fields don't say yet is a canary all the same.
  await dialog().getByRole("textbox", { name: "Nodes" }).fill("0");
  assert.ok(await inDialog("Start").isDisabled());
  assert.equal(await inDialog("Assign").count(), 0);
  await inDialog("Cancel").click();
});

test("the log of a live run goes on while it is looked at", async () => {
  const id = await until("a run of it is open", async () => {
    const { items } = await server.get("/api/v1/streams?workflow=ticks&state=open&limit=1");
    return items[0]?.id;
  });
  await at(`/streams/${id}`);
  await page.getByRole("link", { name: "Sample data" }).waitFor();
  await page.getByText(/^\d+ lines?$/).waitFor();
  const lines = async () => (await server.get(`/api/v1/streams/${id}/log`)).lines.length;
  const before = await lines();
  await command(server.url, "POST", "/api/v1/streams:pause", { ids: [id] });
  const now = await until("something was logged", async () => {
    const count = await lines();
    return count > before && count;
  });
  await page.getByText(`${now} lines`).waitFor();
  await command(server.url, "POST", "/api/v1/streams:resume", { ids: [id] });
});

test("a stream that is open beyond the newest hundred is followed to its end", async () => {
  const lanes = () => page.getByRole("row", { name: /lane-\d/ });
  const id = await until("a lane is open", async () => {
    const { items } = await server.get("/api/v1/streams?workflow=ticks&state=open&limit=2");
    return items.length === 2 && items[0].id;
  });
  await at("/streams?filter=lane");
  await lanes().filter({ hasText: "open" }).nth(1).waitFor();
  const flights = join(server.dir, "flights");
  const text = await readFile(join(flights, "done", "flights-2001-01-01.csv"), "utf8");
  const short = text.split("\n").slice(0, 3).join("\n");
  for (let it = 0; it < 110; it++)
    await writeFile(join(flights, "in", `short-${it}.csv`), `${short}\n`);
  await until(
    "the lanes are not among the newest any more",
    async () => {
      const { items } = await server.get("/api/v1/streams?limit=100");
      return items.every((it) => it.id !== id && it.closedAt);
    },
    120_000,
  );
  assert.equal(await lanes().filter({ hasText: "open" }).count(), 2);
  await server.cli("scheduler", "set", "ticks", "--target", "0");
  await lanes().filter({ hasText: "open" }).first().waitFor({ state: "detached" });
  await server.cli("scheduler", "set", "ticks", "--target", "unset");
});

test("a replay that nothing runs says what it waits for, and is cancelled", async () => {
  await server.cli("scheduler", "set", "ticks", "--target", "unset");
  await ticks(server);
  await until("another letter waits", async () => (await letters("&state=waiting")).length > 0);
  await server.cli("scheduler", "set", "ticks", "--target", "0");
  await until("nothing of it runs", async () => {
    const { placed } = await server.get("/api/v1/scheduler/workflows/ticks");
    return placed === 0;
  });
  const waiting = await letters("&state=waiting");
  await at("/workflows/ticks?tab=letters&state=waiting");
  await button("Replay …").click();
  await dialog().getByText("as one stream").waitFor();
  await dialog()
    .getByRole("button", { name: /^Replay \d+ letters?$/ })
    .click();
  await closed();
  const row = page
    .getByRole("region", { name: "Replays under way" })
    .first()
    .getByRole("row", { name: /waiting replay-/ });
  await row.waitFor();
  await row.getByRole("button", { name: /^Cancel/ }).click();
  await inDialog("End the replay").click();
  await closed();
  await row.waitFor({ state: "detached" });
  await until("its letters wait again", async () => {
    const all = await letters("&state=waiting");
    return all.length >= waiting.length;
  });
  await server.cli("scheduler", "set", "ticks", "--target", "unset");
});

test("a key pair is rotated, and the former one deleted by its name", async () => {
  await at("/keys");
  const row = (name) => page.getByRole("row", { name });
  await button("Rotate …").click();
  await dialog().getByLabel("Alias", { exact: true }).fill("next");
  await inDialog("Rotate").click();
  await closed();
  await row(/next current/).waitFor();
  await row(/ demo /)
    .getByRole("checkbox")
    .check();
  await page.getByRole("button", { name: /^Delete … ?key pair/ }).click();
  await dialog().getByLabel("to go on").fill("demo");
  await inDialog("Delete").click();
  await closed();
  await row(/ demo /).waitFor({ state: "detached" });
  await page.getByRole("button", { name: /^Add … ?a certificate/ }).click();
  await dialog().getByLabel("Alias", { exact: true }).fill("broken");
  await dialog().getByLabel("Certificate", { exact: true }).fill("this is none");
  await inDialog("Add").click();
  await dialog().getByRole("alert").waitFor();
  assert.deepEqual(await findings(page), []);
  await inDialog("Cancel").click();
});

test("a role is made for a cluster, changed for a project, and deleted by its name", async () => {
  await at("/users?tab=roles");
  await button("New … role").click();
  await dialog().getByRole("textbox", { name: "Name" }).fill("night");
  await dialog().getByLabel("stream:control").check();
  await dialog().getByText("Some clusters").click();
  await dialog().getByLabel("default", { exact: true }).check();
  await dialog().getByRole("button", { name: "Make the role" }).click();
  const row = page.getByRole("row", { name: /^night/ });
  await row.getByText("at default").waitFor();
  await button("Change … night").click();
  await dialog().getByText("Some projects").click();
  await dialog().getByLabel("flights", { exact: true }).check();
  await dialog().getByRole("button", { name: "Change it" }).click();
  await row.getByText("flights", { exact: true }).waitFor();
  const { scope } = await server.get("/api/v1/roles/night");
  assert.deepEqual(scope, { projects: ["flights"] });
  // It is given with what it holds for in sight, and counts for that alone.
  await command(server.url, "POST", "/api/v1/users", { name: "bob", password: PASSWORD });
  await at("/users");
  await page.getByRole("row", { name: /bob/ }).getByRole("checkbox").check();
  await button("Roles …").click();
  await dialog().getByLabel("night").check();
  await dialog().getByText("For flights").waitFor();
  await button("Copy as command: weir user set bob --role night").waitFor();
  assert.deepEqual(await findings(page), []);
  await dialog().getByRole("button", { name: "Change them" }).click();
  await closed();
  await page
    .getByRole("row", { name: /bob.*night/ })
    .first()
    .waitFor();
  await command(server.url, "DELETE", "/api/v1/users/bob");
  await at("/users?tab=roles");
  await button("Delete … night").click();
  await dialog().getByRole("textbox").fill("night");
  await dialog().getByRole("button", { name: "Delete", exact: true }).click();
  await row.waitFor({ state: "detached" });
});

test("the browser had nothing to complain of", () => {
  assert.deepEqual(complaints, []);
});
