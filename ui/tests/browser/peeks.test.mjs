// A format is found in what a source has now: files that stay where they are, and messages of a NATS server.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { freePorts } from "../support/ports.mjs";
import { until, weir } from "../support/weir.mjs";

const [port] = await freePorts(1);
const nats = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
after(() => nats.kill());

const asset = (kind, name, spec) =>
  `apiVersion: weir/v1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec:\n${spec}`;
const SOURCE = `  file: { directory: waiting, format: { type: raw } }\n`;
const WORKFLOW = `  stages:
    - { name: read, source: waiting-files }
    - { name: write, from: read, sink: { devNull: {} } }
`;
const MESSAGES = `  stages:
    - name: read
      source: { nats: { connection: { servers: ["nats://127.0.0.1:${port}"] }, subject: orders, format: { type: json } } }
    - { name: write, from: read, sink: { devNull: {} } }
`;
let directory;
async function sources(server) {
  ({ directory } = await server.get("/api/v1/projects/flights"));
  const write = (path, text) => writeFile(join(directory, path), text);
  await mkdir(join(directory, "waiting"));
  await write("waiting/monday.csv", "id;price;placed\n1;2.50;2026-01-01\n2;;2026-01-02\n");
  await write("sources/waiting-files.yaml", asset("Source", "waiting-files", SOURCE));
  await write("workflows/waiting.yaml", asset("Workflow", "waiting", WORKFLOW));
  await write("workflows/later.yaml", asset("Workflow", "later, extends: waiting", "  {}\n"));
}
const { page, complaints, at, dialog, inDialog, closed, button } = await begin(weir, {
  more: sources,
});

const chosen = (label) => dialog().getByRole("combobox", { name: label, exact: true }).inputValue();
const begins = async () => {
  await button("Find it in a sample or a source …").click();
  await dialog().getByText("In the source as it is now").click();
};

/** Publishes a message again and again, as nothing is kept for whoever comes later; returns what ends it. */
async function publishing(message) {
  const socket = await until("the NATS server is there", async () => {
    const it = connect(port, "127.0.0.1");
    await new Promise((done, failed) => it.once("connect", done).once("error", failed));
    return it;
  });
  socket.on("error", () => undefined);
  socket.write('CONNECT {"verbose":false,"pedantic":false}\r\n');
  const timer = setInterval(
    () => socket.write(`PUB orders ${Buffer.byteLength(message)}\r\n${message}\r\n`),
    50,
  );
  return () => {
    clearInterval(timer);
    socket.destroy();
  };
}

test("of files that wait, the format is found and written, and the files stay", async () => {
  // What another view knows of the workflow already is what is shown here.
  await at("/projects/flights/assets/workflows/later.yaml");
  await page.locator(".react-flow__node[data-id=read]").waitFor();
  await page.keyboard.press("Control+k");
  await dialog().getByRole("combobox").fill("waiting-files");
  await dialog()
    .getByRole("option", { name: /waiting-files/ })
    .click();
  await page.waitForURL("**/sources/waiting-files.yaml");
  await begins();
  // The workflow that uses the source, and the stage that names it.
  await dialog().getByText("Look at the source first").waitFor({ state: "detached" });
  await until("the source is chosen", async () => (await chosen("Source")) === "read");
  assert.equal(await chosen("Workflow"), "waiting");
  await inDialog("Can it be reached?").click();
  await dialog()
    .getByRole("status")
    .getByText(/^It can be reached: read reads /)
    .waitFor();
  assert.ok(await inDialog("Write it here").isDisabled(), "no format was found");
  // As it is typed: a raw source is guessed all of.
  await inDialog("Look at it").click();
  await dialog()
    .getByRole("row", { name: /^price float64/ })
    .waitFor();
  await dialog()
    .getByRole("status")
    .getByText(/2 records, 3 fields/)
    .waitFor();
  await dialog().getByText('{"id":1,"price":2.5', { exact: false }).waitFor();
  assert.deepEqual(await findings(page), []);
  await inDialog("Write it here").click();
  await closed();
  await page.locator("[data-code] .cm-content").getByText("float64").first().waitFor();
  await button("Discard").click();
  await page.getByText("saved", { exact: true }).waitFor();
  assert.deepEqual(await readdir(join(directory, "waiting")), ["monday.csv"]);
  assert.deepEqual(complaints, []);
});

test("what is typed and not saved is what is looked at; what can't be read is said", async () => {
  await at("/projects/flights/assets/sources/waiting-files.yaml");
  const field = page.getByRole("textbox", { name: /^directory/ }).first();
  await field.fill("elsewhere");
  await field.press("Enter");
  await page.getByText("● unsaved").waitFor();
  await begins();
  await until("the source is chosen", async () => (await chosen("Source")) === "read");
  await inDialog("Look at it").click();
  await dialog()
    .getByText(/elsewhere/)
    .first()
    .waitFor();
  assert.ok(await inDialog("Write it here").isDisabled());
  await page.keyboard.press("Escape");
  await button("Discard").click();
  await page.getByText("saved", { exact: true }).waitFor();
});

test("of messages that come meanwhile, the format is made an asset of its own", async () => {
  const end = await publishing('{"id": 7, "customer": {"name": "Ada"}, "password": "hunter2"}');
  try {
    // It says nothing of its fields: that is an error of the project, and what is looked for.
    const text = asset("Workflow", "messages", MESSAGES);
    await writeFile(join(directory, "workflows", "messages.yaml"), text);
    await at("/projects/flights/assets/workflows/messages.yaml?stage=read");
    await begins();
    await until("the source is chosen", async () => (await chosen("Source")) === "read");
    assert.equal(await chosen("Workflow"), "messages");
    await inDialog("Look at it").click();
    await dialog()
      .getByRole("row", { name: /^customer\.name string/ })
      .waitFor();
    assert.equal(await dialog().getByText("hunter2").count(), 0, "what looks secret is concealed");
    await dialog().getByText("As an asset of its own").click();
    await dialog().getByRole("textbox", { name: "Name of the Format asset" }).fill("messages");
    await inDialog("Make the asset").click();
    await closed();
    await page.getByText("● unsaved").waitFor();
    const made = await readFile(join(directory, "formats", "messages.yaml"), "utf8");
    assert.match(made, /kind: Format[\s\S]*name: messages[\s\S]*type: json/);
    await button("Discard").click();
    assert.deepEqual(complaints, []);
  } finally {
    end();
  }
});
