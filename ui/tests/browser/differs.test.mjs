// How a workflow differs from what it was, drawn: in the history, where two save the same one, in a merge and in a plan.
import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings, open } from "../support/browser.mjs";
import { command, weir } from "../support/weir.mjs";

const { server, chrome, page, complaints, at, button, dialog } = await begin(weir);
const { directory } = await server.get("/api/v1/projects/flights");
const FLIGHTS = "workflows/flights.yaml";
const AIRPORTS = "workflows/airports.yaml";
const VERSIONS = "/api/v1/projects/flights/versions";
const file = (path) => join(directory, path);
const asset = `/api/v1/projects/flights/assets/${encodeURIComponent(FLIGHTS)}`;
/** What is drawn of one workflow. */
const drawn = (name, of = page) =>
  of.getByRole("region", { name: `What changed in ${name}`, exact: true });
const stage = (name, of) => of.getByRole("button", { name: new RegExp(`^Stage ${name}, `) });
const signs = async (of) => ({
  stages: await of.getByRole("list", { name: "Stages" }).getByRole("listitem").allTextContents(),
  connections: await of
    .getByRole("list", { name: "Connections" })
    .getByRole("listitem")
    .allTextContents(),
});
const GRAPH = (of = page) => of.getByText("Graph", { exact: true });

async function edit(path, change) {
  const text = await readFile(file(path), "utf8");
  assert.notEqual(change(text), text);
  await writeFile(file(path), change(text));
}

async function commit(message) {
  const { head } = await server.get("/api/v1/projects/flights/status");
  const seen = head ? { "if-match": `"${head}"` } : { "if-none-match": "*" };
  const answer = await fetch(server.url + VERSIONS, {
    method: "POST",
    headers: { "content-type": "application/json", ...seen },
    body: JSON.stringify({ message }),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
}

/** Another way to say how late is late, a sink under another name, one that goes and an operator that comes. */
const others = (text) =>
  text
    .replace("WHEN delay >= 0 THEN", "WHEN delay >= -1 THEN")
    .replace("- name: severe\n      from:", "- name: badly-late ✈\n      from:")
    .replace("    - name: archive\n      from: derive\n      sink: flight-archive\n\n", "")
    .concat("    - name: once\n      from: derive\n      processor:\n")
    .concat("        deduplicate: { key: [route], within: 1h }\n")
    .concat("    - name: end\n      from: once\n      sink: { devNull: {} }\n");

await command(server.url, "POST", `${VERSIONS}:init`);
await commit("As it came");

test("what is not committed is drawn as one graph of both sides, and each stage says what changed", async () => {
  await edit(FLIGHTS, others);
  await at("/projects/flights?tab=history");
  await page.getByText(FLIGHTS).first().waitFor();
  await GRAPH().click();
  await page.waitForURL("**by=graph");
  const graph = drawn(FLIGHTS);
  await stage("derive", graph).waitFor();
  assert.deepEqual(await signs(graph), {
    stages: ["+ 2 added", "− 1 removed", "~ 1 changed", "→ 1 renamed", "= 3 the same"],
    connections: ["+ 2 added", "− 1 removed"],
  });
  assert.deepEqual(await findings(page), []);

  // By the keyboard alone: to a stage, to the next one, and to what changed there.
  await stage("read", graph).focus();
  await page.keyboard.press("ArrowRight");
  const focused = () => page.evaluate(() => document.activeElement.dataset.id);
  assert.equal(await focused(), "derive");
  await page.keyboard.press("Enter");
  await graph.getByRole("status").getByText("derive: changed, 1 field").waitFor();
  await graph.getByText("processor.mapping.set.delayClass").waitFor();
  const changed = (is) => graph.locator(`pre[data-change=${is}]`).allTextContents();
  assert.match((await changed("removed")).join(), /WHEN delay >= 0 THEN/);
  assert.match((await changed("added")).join(), /WHEN delay >= -1 THEN/);
  assert.deepEqual(await findings(page), []);
  await page.keyboard.press("Enter");
  await graph.getByText("processor.mapping.set.delayClass").waitFor({ state: "detached" });

  // What went says all that it had.
  await stage("archive", graph).click();
  await graph.getByRole("status").getByText("archive: removed").waitFor();
  assert.match((await changed("removed")).join(), /sink: flight-archive/);

  // The same line by line, and step by step.
  await graph.getByText("As a list: 5 stages, 3 connections").click();
  const list = graph.getByRole("list", { name: "What changed" });
  await list.getByText("Connection from derive to archive, removed").waitFor();
  await list.getByRole("button", { name: /badly-late ✈.*renamed from severe/ }).click();
  await graph.getByRole("status").getByText("badly-late ✈: renamed from severe").waitFor();
  await button("Next change", graph).click();
  assert.doesNotMatch(await graph.getByRole("status").textContent(), /badly-late/);
  assert.deepEqual(await findings(page), []);

  await graph.getByLabel("Only changes").check();
  await stage("read", graph).waitFor({ state: "detached" });
  await stage("once", graph).waitFor();
  // The address has what is chosen.
  await page.reload();
  await stage("derive", drawn(FLIGHTS)).waitFor();
  assert.deepEqual(complaints, []);
});

test("both schemes can be read", async () => {
  const other = await open(chrome, "light", { width: 1280, height: 800 });
  await other.page.goto(`${server.url}/projects/flights?tab=history&by=graph`);
  const graph = drawn(FLIGHTS, other.page);
  await stage("route", graph).waitFor();
  await stage("once", graph).click();
  await graph.getByText("As a list").click();
  assert.deepEqual(await findings(other.page), []);
  assert.deepEqual(other.complaints, []);
  await other.close();
});

test("what can't be read is told by lines, and why", async () => {
  const before = await readFile(file(AIRPORTS), "utf8");
  await edit(AIRPORTS, (text) => text.replace("  stages:", "  stages: ["));
  await at("/projects/flights?tab=history&by=graph");
  await page.getByText(/It is not drawn: as it is after, line \d+ can’t be read/).waitFor();
  await page.getByText("stages: [").waitFor();
  await stage("derive", drawn(FLIGHTS)).waitFor();
  assert.deepEqual(await findings(page), []);
  await writeFile(file(AIRPORTS), before);
  assert.deepEqual(complaints, []);
});

test("versions are compared as graphs, also where a whole workflow came or went", async () => {
  await commit("Once each");
  await rm(file(AIRPORTS));
  // They name stages that are gone by now.
  for (const it of ["airports", "flights"]) await rm(file(`tests/${it}.yaml`));
  await commit("No airports");
  await at("/projects/flights?tab=history&by=graph");
  const versions = page.getByRole("list", { name: "Versions" });
  await versions.getByText("No airports").click();
  const gone = drawn(AIRPORTS);
  await stage("place", gone).waitFor();
  assert.deepEqual(await signs(gone), {
    stages: ["− 5 removed"],
    connections: ["− 4 removed"],
  });
  await versions.getByText("Once each").click();
  await stage("once", drawn(FLIGHTS)).waitFor();
  assert.deepEqual(await findings(page), []);
  const { items } = await server.get(VERSIONS);
  const first = items.find((it) => it.message.startsWith("As it came")).id;
  const last = items.find((it) => it.message.startsWith("No airports")).id;
  // The other way round what went has come.
  await at(`/projects/flights?tab=history&by=graph&version=${first}&against=${last}`);
  await stage("place", drawn(AIRPORTS)).waitFor();
  assert.deepEqual((await signs(drawn(AIRPORTS))).stages, ["+ 5 added"]);
  assert.deepEqual(complaints, []);
});

test("where somebody else saved the same workflow, what each side changed is drawn", async () => {
  await at(`/projects/flights/assets/${FLIGHTS}?tab=code`);
  const code = page.getByRole("textbox", { name: `Text of ${FLIGHTS}` });
  await code.click();
  await page.keyboard.press("Control+End");
  await page.keyboard.insertText(
    "    - name: mine\n      from: derive\n      sink: { devNull: {} }\n",
  );
  await page.getByText("● unsaved").waitFor();
  const { text, etag } = await server.get(asset);
  const theirs = text.replace("WHEN delay >= -1 THEN", "WHEN delay >= -2 THEN");
  const written = async (text, etag) => {
    const answer = await fetch(server.url + asset, {
      method: "PUT",
      headers: { "content-type": "application/json", "if-match": `"${etag}"` },
      body: JSON.stringify({ text }),
    });
    assert.equal(answer.status, 200);
    return answer.json();
  };
  const { etag: next } = await written(theirs, etag);
  await button("Save").click();
  await dialog().getByText("All that each of you changed").waitFor();
  await GRAPH(dialog()).click();
  const [own, other] = ["yours", "theirs"].map((it) => drawn(`${FLIGHTS}, ${it}`, dialog()));
  await stage("mine", own).waitFor();
  await stage("derive", other).waitFor();
  // What a dialog shows is its own: the view below it stays as it was.
  assert.ok(!page.url().includes("by="), page.url());
  assert.deepEqual((await signs(own)).stages, ["+ 1 added", "= 7 the same"]);
  assert.deepEqual((await signs(other)).stages, ["~ 1 changed", "= 6 the same"]);
  assert.deepEqual(await findings(page), []);
  await stage("derive", other).click();
  await other.getByText("processor.mapping.set.delayClass").waitFor();
  const pressed = other.locator(".react-flow__node[aria-pressed=true]");
  assert.equal(await pressed.count(), 1);
  assert.equal(await other.locator(".react-flow__node[aria-pressed=false]").count(), 6);
  // Somebody saves once more, while one looks at it.
  await written(`${theirs}# a third one\n`, next);
  await button("Save both changes", dialog()).click();
  await dialog().getByText("It was saved once more meanwhile.").waitFor();
  await dialog().getByText("This drops their comment # a third one.").waitFor();
  assert.deepEqual(await findings(page), []);
  await button("Take theirs, drop yours", dialog()).click();
  await page.getByText("saved", { exact: true }).waitFor();
  assert.deepEqual(complaints, []);
});

test("a merge that does not fit shows what is other on both branches", async () => {
  await commit("At minus two");
  await command(server.url, "POST", "/api/v1/projects/flights/branches", { name: "night" });
  const go = (branch) =>
    command(server.url, "POST", `/api/v1/projects/flights/branches/${branch}/switch`);
  await go("night");
  await edit(FLIGHTS, (text) => text.replace("delay >= -2", "delay >= -3"));
  await commit("At night");
  await go("main");
  await edit(FLIGHTS, (text) => text.replace("delay >= -2", "delay >= -4"));
  await commit("By day");
  await at("/projects/flights?tab=history&by=graph");
  await button("Merge … night").click();
  await dialog().getByText(`From main to night: ${FLIGHTS}`).click();
  const graph = drawn(FLIGHTS, dialog());
  await stage("derive", graph).click();
  await graph.getByText("WHEN delay >= -3 THEN").waitFor();
  assert.deepEqual(await findings(page), []);
  await dialog().getByText("Text", { exact: true }).click();
  await graph.waitFor({ state: "detached" });
  await dialog().getByText("WHEN delay >= -3 THEN").last().waitFor();
  await button("Cancel", dialog()).click();
  assert.deepEqual(complaints, []);
});

test("a plan shows what changes in the workflows of the cluster", async () => {
  await command(server.url, "POST", "/api/v1/deployments:withdraw", { project: "flights" });
  // What is deployed has plainer names.
  await edit(FLIGHTS, (text) => text.replace("badly-late ✈", "badly-late"));
  await commit("Plainly");
  const panel = (name) => page.getByRole("region", { name, exact: true });
  const planned = async (tag) => {
    await at("/projects/flights?tab=deploy&by=graph");
    await page.getByLabel("Tag", { exact: true }).fill(tag);
    await button("Plan flights").click();
    return panel(`Plan of ${tag}`);
  };
  // What the cluster has not is all added.
  const first = await planned("p1");
  await stage("once", drawn("flights", first)).waitFor();
  assert.deepEqual((await signs(drawn("flights", first))).stages, ["+ 7 added"]);
  assert.deepEqual(await findings(page), []);
  await button("Deploy and make it the default", first).click();
  await panel("Deployed p1").getByText("active").waitFor();

  await edit(FLIGHTS, (text) => text.replace("delay >= -4", "delay >= -5"));
  await commit("At minus five");
  const second = await planned("p2");
  const graph = drawn("flights", second);
  await stage("derive", graph).click();
  await graph.getByText("WHEN delay >= -5 THEN").waitFor();
  assert.deepEqual((await signs(graph)).stages, ["~ 1 changed", "= 6 the same"]);
  assert.deepEqual(await findings(page), []);
  await second.getByText("Text", { exact: true }).click();
  await graph.waitFor({ state: "detached" });
  await second.getByText("WHEN delay >= -5 THEN").waitFor();

  // Where no version tells what the cluster has, it is what its engines tell.
  await page.route("**/versions/*/file?**", (it) => it.fulfill({ status: 404, body: "{}" }));
  await edit(FLIGHTS, (text) => text.replace("- name: end\n", "- name: finish\n"));
  const third = await planned("p3");
  await third.getByText("Of their texts as they are now").waitFor();
  await third.getByText("not what is set in them").waitFor();
  const bare = drawn("flights", third);
  await stage("finish", bare).waitFor();
  assert.deepEqual((await signs(bare)).stages, [
    "+ 1 added",
    "− 1 removed",
    "= 6 there before, too",
  ]);
  assert.deepEqual(await findings(page), []);
  await page.unroute("**/versions/*/file?**");
  assert.deepEqual(complaints, []);
});
