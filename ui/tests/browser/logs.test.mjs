// What engines log, in the browser: as it is logged, filtered, paused, of one workflow and of one node, and after the
// server was gone.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browser, findings, open } from "../support/browser.mjs";
import { filled } from "../support/filled.mjs";
import { until } from "../support/weir.mjs";

let server;
let chrome;
let page;
let complaints;

const at = (path) => page.goto(server.url + path);
const button = (name) => page.getByRole("button", { name, exact: true });
const log = () => page.getByRole("region", { name: "Log", exact: true });
const line = (text) => log().getByRole("button").filter({ hasText: text });
/** Has the server log a line that has this text: a file that can't be read. */
const logged = (name) =>
  writeFile(join(server.dir, "flights", "in", `${name}.csv`), "no,header\n1,2\n");
const live = () => page.getByText("live", { exact: true }).first().waitFor();

before(async () => {
  [server, chrome] = await Promise.all([filled(), browser()]);
  ({ page, complaints } = await open(chrome));
});
after(async () => {
  await chrome?.close();
  await server?.stop();
});

test("lines come as they are logged, the newest in view, and tell all that they say", async () => {
  await at("/logs");
  await live();
  await logged("just-now");
  await line("just-now").last().waitFor();
  const end = () => log().evaluate((it) => it.scrollHeight - it.scrollTop - it.clientHeight);
  await until("the end is in view", async () => (await end()) < 40);
  await line("just-now").last().click();
  const detail = page.getByRole("region", { name: "The line that is chosen" });
  await detail.getByText("weir_stream").first().waitFor();
  assert.deepEqual(await findings(page), []);
});

test("a line leads to what it is about", async () => {
  const detail = page.getByRole("region", { name: "The line that is chosen" });
  await line("just-now").last().click();
  if (!(await detail.isVisible())) await line("just-now").last().click();
  const { node } = server.names;
  for (const [name, path] of [
    [node, `/nodes/${node}`],
    ["flights", "/workflows/flights"],
    [/^[0-9a-f]{8}-/, "/streams/"],
  ]) {
    const found = detail.getByRole("link", { name, exact: true });
    assert.ok((await found.first().getAttribute("href")).startsWith(path), path);
  }
  await detail.getByRole("link", { name: "flights", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "flights" }).waitFor();
});

test("the address has the filter, and what is meant is asked for", async () => {
  await at("/logs");
  await page.getByRole("combobox", { name: "Level at least" }).click();
  await page.getByRole("option", { name: "warn" }).click();
  await page.waitForURL("**level=warn**");
  await page.getByLabel("Text").fill("JUST-now");
  await page.waitForURL("**text=JUST-now**");
  await live();
  await line("just-now").last().waitFor();
  const all = await log().locator("button[aria-pressed]").allTextContents();
  assert.ok(all.length > 0 && all.every((it) => it.includes("just-now")), all.join("\n"));
  const copy = page.getByRole("button", { name: /^Copy as command: weir logs --follow/ });
  const name = await copy.getAttribute("aria-label");
  assert.ok(name.endsWith("weir logs --follow --level warn --grep JUST-now"), name);
  await page.getByLabel("Text").fill("nothing-has-this");
  await page.getByText("No line is remembered that is meant").waitFor();
});

test("who pauses sees what there was, and how much is new", async () => {
  await at("/logs?level=warn");
  await live();
  await button("Pause").click();
  await logged("while-paused");
  await page.getByText(/paused, [1-9]\d* new line/).waitFor();
  assert.equal(await line("while-paused").count(), 0);
  await button("Go on").click();
  await line("while-paused").last().waitFor();
});

test("older lines are loaded above those that are read, which stay where they are", async () => {
  const many = Array.from({ length: 700 }, (_, it) => `many-${String(it).padStart(3, "0")}`);
  for (const name of many) await logged(name);
  await until(
    "all of them were looked at",
    async () => {
      const { items } = await server.get("/api/v1/logs?text=many-699&limit=1");
      return items.length > 0;
    },
    120_000,
  );
  await at("/logs");
  await live();
  await line("many-699").last().waitFor();
  await log().evaluate((it) => it.scrollTo(0, 0));
  const older = button("Load older");
  await older.waitFor();
  const first = log().locator("button[aria-pressed]").first();
  const text = await first.textContent();
  const place = async () => (await line(text).first().boundingBox()).y;
  const was = await place();
  await older.click();
  await until("there is more above", () => log().evaluate((it) => it.scrollTop > 1_000));
  assert.ok(Math.abs((await place()) - was) < 2, "the line that was read stands where it stood");
  for (let at = 0; at < 20 && (await page.getByText("Nothing older").count()) === 0; at++) {
    await log().evaluate((it) => it.scrollTo(0, 0));
    await older.or(page.getByText("Nothing older is remembered")).first().waitFor();
    if ((await older.count()) > 0) await older.click();
    await button("Loading older …").waitFor({ state: "detached" });
  }
  await log().evaluate((it) => it.scrollTo(0, 0));
  await page.getByText("Nothing older is remembered").waitFor();
  const [oldest] = (await server.get("/api/v1/logs?order=oldest&limit=1")).items;
  await line(oldest.message).first().waitFor();
  assert.deepEqual(await findings(page), []);
  // What was cleared is only out of sight, and comes back while the log is held, too.
  await button("Clear").click();
  await page.getByText("What came was cleared").waitFor();
  await button("Pause").click();
  await button("Load older").click();
  await line("many-699").last().waitFor();
});

test("a workflow and a node have their own, and so does the configuration server", async () => {
  await at("/workflows/flights?tab=logs");
  await line("workflow=flights").last().waitFor();
  assert.equal(await line("engine ready").count(), 0);
  assert.deepEqual(await findings(page), []);
  await at(`/nodes/${server.names.node}?tab=logs`);
  await line(server.names.node).last().waitFor();
  assert.deepEqual(await findings(page), []);
  await at("/logs");
  await page
    .getByRole("textbox", { name: "Whose log" })
    .or(page.getByRole("combobox", { name: "Whose log" }))
    .first()
    .click();
  await page.getByRole("option", { name: "Configuration server" }).click();
  await page.waitForURL("**of=server**");
  await live();
});

test("after the server was gone it goes on, and no line stands there twice", async () => {
  await at("/logs?text=before-the-end");
  await live();
  await logged("before-the-end");
  await line("before-the-end").last().waitFor();
  await server.restart();
  await page.getByText("followed again").waitFor();
  await logged("before-the-end-2");
  await line("opened before-the-end-2.csv").last().waitFor();
  assert.equal(await line("opened before-the-end.csv").count(), 1);
});

test("the browser has nothing to complain of", () => {
  // It says so by itself when a connection breaks off.
  const others = complaints.filter((it) => !it.includes("WebSocket"));
  assert.deepEqual(others, []);
});
