// A designer's day: from an empty project to a workflow that runs, by mouse and again by the keyboard alone; and
// what goes wrong on the way.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings, goByKeys } from "../support/browser.mjs";
import { filled, PASSWORD } from "../support/filled.mjs";
import { command, until } from "../support/weir.mjs";

const { server, page, complaints, at, button, dialog } = await begin(filled);
const stage = (name) => page.locator(`.react-flow__node[data-id="${name}"]`);
const palette = () => page.getByRole("complementary", { name: "Palette" });
const inspector = () => page.locator("aside[aria-label^=Inspector]");
const text = (project, path) =>
  server.get(`/api/v1/projects/${project}/assets/${encodeURIComponent(path)}`);
const isSaved = () => page.getByText("saved", { exact: true }).waitFor();

/** What was designed runs on an engine, and its page says so. */
async function runs(project, workflow) {
  const { directory } = await server.get(`/api/v1/projects/${project}`);
  await server.cli("deployment", "apply", directory, "--management", server.management);
  await at(`/workflows/${workflow}`);
  await page.getByRole("heading", { level: 1, name: workflow }).waitFor();
  await until("records went through", async () => {
    const detail = await server.get(`/api/v1/workflows/${workflow}`);
    const sink = detail.stages?.find((it) => it.role === "sink");
    return (sink?.counts.recordsIn ?? 0) > 0 || detail.openStreams > 0;
  });
  await server.cli("deployment", "withdraw", project, "--management", server.management);
}

test("by mouse: an empty project becomes a workflow that runs", async () => {
  await at("/projects");
  await button("Create … a project").click();
  await dialog().getByRole("textbox", { name: "Name" }).fill("orders");
  await dialog().getByRole("button", { name: "Create", exact: true }).click();
  await page.waitForURL("**/projects/orders");
  await page.getByText("There is nothing in it yet").waitFor();
  await button("New … asset").click();
  await dialog().getByRole("textbox", { name: "Name" }).fill("sales");
  await dialog().getByRole("button", { name: "Create", exact: true }).click();
  await page.waitForURL("**/projects/orders/assets/workflows/sales.yaml");

  await page.getByText("There are no stages yet").waitFor();
  const item = (name) => palette().getByRole("button", { name }).first();
  await item("generator").dragTo(page.getByText("There are no stages yet"));
  await stage("read").waitFor();
  // A selected stage feeds what is added next.
  await palette().getByText("Goes behind read").waitFor();
  await item("file Writes files").click();
  await stage("write").waitFor();
  await page.locator(".react-flow__edge").waitFor();
  // What is dropped on an edge goes between.
  await button("Tidy").click();
  const edge = page.locator(".react-flow__edge-interaction");
  const [from, to] = [await item("throttle").boundingBox(), await edge.boundingBox()];
  await page.mouse.move(from.x + 20, from.y + 10);
  await page.mouse.down();
  await page.mouse.move(to.x + to.width / 2 - 5, to.y + to.height / 2, { steps: 5 });
  await page.mouse.move(to.x + to.width / 2, to.y + to.height / 2, { steps: 3 });
  await page.mouse.up();
  await stage("throttle").waitFor();
  await page.locator(".react-flow__edge").nth(1).waitFor();
  const [middle, last] = [
    await stage("throttle").boundingBox(),
    await stage("write").boundingBox(),
  ];
  assert.ok(middle.x + middle.width <= last.x, "what comes behind makes room");
  // A port that is drawn to a stage connects them: but nothing may lead back.
  await button("Tidy").click();
  await stage("write")
    .locator(".react-flow__handle.source")
    .count()
    .then((n) => assert.equal(n, 0));
  await stage("write").click();
  await inspector()
    .getByRole("textbox", { name: /^name/ })
    .fill("$" + "{stream}.jsonl");
  await inspector().getByLabel("Name", { exact: true }).fill("archive");
  await page.keyboard.press("Enter");
  await stage("archive").waitFor();
  await button("Undo").click();
  await stage("write").waitFor();
  await button("Redo").click();
  await stage("archive").waitFor();
  // A copy, and away with it.
  await stage("throttle").click();
  await button("Duplicate").click();
  await stage("throttle-2").waitFor();
  await page
    .getByRole("list", { name: "Problems" })
    .getByText("nothing flows into stage")
    .waitFor();
  await button("Delete").click();
  await stage("throttle-2").waitFor({ state: "detached" });
  await button("Save").click();
  await isSaved();
  const { text: saved } = await text("orders", "workflows/sales.yaml");
  assert.match(saved, /name: throttle\n {6}from: read\n/);
  assert.match(saved, /name: archive\n {6}from: throttle\n/);
  assert.deepEqual(await findings(page), []);
  await runs("orders", "sales");
  assert.deepEqual(complaints, []);
});

/** Presses Tab until that is where the keyboard is. */
async function tabTo(name, key = "Tab") {
  for (let it = 0; it < 80; it++) {
    const said = await page.evaluate(() => {
      const at = document.activeElement;
      return `${at?.getAttribute("aria-label") ?? ""}|${at?.textContent ?? ""}|${at?.getAttribute("placeholder") ?? ""}|${at?.labels?.[0]?.textContent ?? ""}`;
    });
    const isIt = (one) => one === name || [" ·", ","].some((it) => one.startsWith(name + it));
    if (said.split("|").some(isIt)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`the keyboard does not reach ${name}`);
}

test("a dialog has the keyboard from the moment it is seen, and gives it back", async () => {
  await at("/projects");
  const open = button("Create … a project");
  await open.waitFor();
  // Within one task: no timer may come between, as none may before a key.
  const field = await open.evaluate(async (it) => {
    it.focus();
    it.click();
    await Promise.resolve();
    return document.activeElement?.getAttribute("name");
  });
  assert.equal(field, "project");
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement?.textContent === "Create … a project");
});

test("by the keyboard alone: the same again", async () => {
  await at("/");
  await page.getByText("Healthy:").waitFor();
  const press = (...keys) =>
    keys.reduce((all, it) => all.then(() => page.keyboard.press(it)), Promise.resolve());
  await goByKeys(page, "p", page.getByRole("heading", { level: 1, name: "Projects" }));
  await tabTo("Create … a project");
  await press("Enter");
  await dialog().waitFor();
  await page.keyboard.type("keys");
  await press("Enter");
  await page.waitForURL("**/projects/keys");
  await page.getByText("There is nothing in it yet").waitFor();
  await tabTo("New … asset");
  await press("Enter");
  await dialog().waitFor();
  await page.keyboard.type("typed");
  await press("Enter");
  await page.waitForURL("**/projects/keys/assets/workflows/typed.yaml");
  await page.getByText("There are no stages yet").waitFor();
  await tabTo("To the palette");
  await press("Enter");
  await page.keyboard.type("source generator");
  await press("Enter");
  await stage("read").waitFor();
  await press("Escape");
  await page.keyboard.type("sink file");
  await press("ArrowDown", "Enter");
  await stage("write").waitFor();
  // One that stands by itself, since nothing leads from a sink.
  await press("a", "Escape");
  await page.keyboard.type("operator throttle");
  await press("Enter");
  await stage("throttle").waitFor();
  await tabTo("Stage write");
  await press("Enter", "e");
  await page.waitForFunction(() => document.activeElement?.matches("[data-inspector]"));
  await tabTo("name");
  await press("Control+a");
  await page.keyboard.type("$" + "{stream}.jsonl");
  await press("Control+s");
  await isSaved();
  const saved = await text("keys", "workflows/typed.yaml");
  assert.match(saved.text, /stream\}\.jsonl/);
  const { errors } = await server.get("/api/v1/projects/keys");
  if (errors > 0) {
    // The throttle stands by itself: it is found, and taken out.
    await tabTo("Stage throttle", "Shift+Tab");
    await press("Enter", "Delete");
    await stage("throttle").waitFor({ state: "detached" });
    await press("Control+s");
    await isSaved();
  }
  assert.equal((await server.get("/api/v1/projects/keys")).errors, 0);
  await runs("keys", "typed");
});

test("two change one asset: fields of both are kept, and where both did one chooses", async () => {
  const path = "sources/flight-files.yaml";
  const { directory } = await server.get("/api/v1/projects/flights");
  const before = await readFile(join(directory, path), "utf8");
  await at(`/projects/flights/assets/${path}`);
  const glob = page.getByRole("textbox", { name: /^glob/ });
  await glob.fill("mine*");
  await page.getByText("● unsaved").waitFor();
  await writeFile(
    join(directory, path),
    before.replace(/glob: .*/, 'glob: "theirs*"').replace(/directory: in\b/, "directory: inbox"),
  );
  await button("Save").click();
  await dialog().getByText("Both of you changed 1 field").waitFor();
  await dialog()
    .getByRole("radio", { name: /theirs$/ })
    .check();
  await dialog().getByRole("button", { name: "Save, and drop yours" }).click();
  await isSaved();
  const { text: now } = await text("flights", path);
  assert.match(now, /theirs\*/);
  assert.match(now, /directory: inbox/);
  await writeFile(join(directory, path), before);
});

test("code and form are one text, and what is misspelt is mended where it stands", async () => {
  await at("/projects/flights/assets/formats/json-lines.yaml");
  const code = page.locator("[data-code] .cm-content");
  await code.getByText("JSON").first().waitFor();
  await code.click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("  inferRow: 5");
  const list = page.getByRole("list", { name: "Problems" });
  await list
    .getByText(/inferRow/)
    .first()
    .waitFor();
  await list.getByRole("button", { name: "Write inferRows" }).click();
  await code.getByText("inferRows").waitFor();
  await page.getByRole("textbox", { name: "inferRows" }).fill("7");
  await code.getByText("7").waitFor();
  await button("Discard").click();
  await isSaved();
});

test("what was typed outlives a reload, a server that restarts, and a session that ends", async () => {
  const path = "/projects/flights/assets/formats/flights-csv.yaml";
  await at("/log-in");
  await page.locator("input[name=name]").fill("ada");
  await page.locator("input[name=password]").fill(PASSWORD);
  await button("Log in").click();
  await button("ada ▾").waitFor();
  await at(path);
  const description = page.getByRole("textbox", { name: "description" });
  await description.fill("typed and not saved");
  await page.getByText("● unsaved").waitFor();
  page.once("dialog", (it) => it.accept());
  await page.reload();
  await page.getByText("What you had typed and not saved is here again").waitFor();
  assert.equal(await description.inputValue(), "typed and not saved");
  await page.getByRole("link", { name: "flights", exact: true }).click();
  await page.getByRole("treeitem", { name: /flights-csv.*unsaved/ }).waitFor();
  await page.goBack();
  assert.equal(await description.inputValue(), "typed and not saved");
  await server.restart();
  await description.fill("typed while it was away");
  await command(server.url, "DELETE", "/api/v1/users/ada/sessions");
  await dialog().getByText("Your session has ended").waitFor();
  await dialog().getByLabel("Password of ada").fill(PASSWORD);
  await dialog().getByRole("button", { name: "Log in", exact: true }).click();
  await dialog().waitFor({ state: "detached" });
  assert.equal(await description.inputValue(), "typed while it was away");
  await button("Save").click();
  await isSaved();
  const { text: now } = await text("flights", "formats/flights-csv.yaml");
  assert.match(now, /typed while it was away/);
});

test("a project goes out as an archive, and comes in under another name", async () => {
  await at("/projects/flights");
  const [download] = await Promise.all([page.waitForEvent("download"), button("Export").click()]);
  assert.equal(download.suggestedFilename(), "flights.zip");
  const file = await download.path();
  await at("/projects");
  await button("Import … a project").click();
  await dialog().locator("input[type=file]").setInputFiles(file);
  await dialog().getByRole("textbox", { name: "Name" }).fill("again");
  await dialog().getByRole("button", { name: "Import", exact: true }).click();
  await page.waitForURL("**/projects/again");
  await page.getByRole("treeitem", { name: /flight-files/ }).click();
  await page.getByText("spec.stages[0].source").waitFor();
  await button("Delete … flight-files").click();
  await dialog().getByText("It can’t be deleted while others name it").waitFor();
  await page.keyboard.press("Escape");
  await button("Rename … flight-files").click();
  await dialog().getByText("Changed with it: 1 place").waitFor();
  await dialog().getByRole("textbox", { name: "New name" }).fill("files");
  await dialog().getByRole("button", { name: "Rename", exact: true }).click();
  await page.getByRole("treeitem", { name: /^files/ }).waitFor();
  assert.match((await text("again", "workflows/flights.yaml")).text, /source: files/);
  await button("Remove … the project").click();
  await dialog().getByRole("checkbox", { name: "Delete its files as well" }).check();
  await dialog()
    .getByRole("textbox", { name: /^Type again/ })
    .fill("again");
  await dialog().getByRole("button", { name: "Delete", exact: true }).click();
  await page.waitForURL("**/projects");
  const { items } = await server.get("/api/v1/projects");
  assert.ok(!items.some((it) => it.name === "again"));
});

test("variables are changed where they stand, and secrets are sealed before they are written", async () => {
  const path = "secrets/keys.yaml";
  const put = (text) =>
    fetch(`${server.url}/api/v1/projects/flights/assets/${encodeURIComponent(path)}`, {
      method: "PUT",
      headers: { "content-type": "application/json", "if-none-match": "*" },
      body: JSON.stringify({ text }),
    });
  await put("apiVersion: weir/v1\nkind: Secret\nmetadata: { name: keys }\nspec:\n  values: {}\n");
  await at("/projects/flights?tab=environments");
  await page.getByRole("textbox", { name: "LATE in thresholds" }).fill("20");
  await page.keyboard.press("Enter");
  await until("it is written", async () =>
    (await text("flights", "environments/thresholds.yaml")).text.includes("LATE: 20"),
  );
  await button("Set … a secret").click();
  await dialog().getByRole("textbox", { name: "Name" }).fill("SALT");
  await dialog().getByLabel("Value", { exact: true }).fill("not to be seen");
  await dialog().getByRole("button", { name: "Seal and write" }).click();
  await page.getByText("opened by DefaultKey").waitFor();
  const { text: written } = await text("flights", path);
  assert.match(written, /SALT: weir-secret:2:flights:SALT:/);
  assert.ok(!written.includes("not to be seen"));
});

test("the code stands beside the canvas, and each follows the other", async () => {
  await at("/projects/flights/assets/workflows/flights.yaml?tab=split");
  const line = (text) => page.locator(".cm-line", { hasText: text });
  const marked = page.locator(".cm-chosen").first();
  const isChosen = (name) => page.locator(`[data-id="${name}"] [data-selected]`).waitFor();
  // Chosen on the canvas: its lines are marked.
  await stage("route").click();
  await marked.getByText("- name: route").waitFor();
  // Chosen by the cursor: it is on the canvas.
  await line("from: route.severe").click();
  await isChosen("severe");
  await marked.getByText("- name: severe").waitFor();
  assert.match(page.url(), /stage=severe/);
  // What is typed is drawn, and what is drawn is written.
  await stage("archive").click();
  await line("- name: archive").click();
  await page.keyboard.press("End");
  await page.keyboard.type("-2");
  await stage("archive-2").waitFor();
  await stage("archive-2").click();
  await button("Duplicate").click();
  await stage("archive-3").waitFor();
  await marked.getByText("- name: archive-3").waitFor();
  // While it can't be read, what is drawn is what it was, and nothing there changes it.
  await line("- name: archive-3").click();
  await page.keyboard.press("End");
  await page.keyboard.type(": [");
  await page.getByText("of the code can’t be read").waitFor();
  await stage("archive-3").waitFor();
  assert.ok(await button("Tidy").isEnabled());
  assert.ok(await button("Delete").isDisabled());
  await button("Discard").click();
  await stage("archive").waitFor();
  // A fix stands where the problem is.
  await stage("route").click();
  await line("filterRoute:").click();
  await page.keyboard.press("End");
  for (const key of ["ArrowLeft", "Backspace"]) await page.keyboard.press(key);
  await page.keyboard.press("Escape");
  await page.locator(".cm-lintRange-error").first().hover();
  await page.locator(".cm-diagnosticAction", { hasText: "Write filterRoute" }).click();
  await isSaved();
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
});

test("who clicks the open canvas has the keys of the designer", async () => {
  await at("/projects/flights/assets/workflows/flights.yaml");
  await stage("archive").click();
  await page.keyboard.press("Control+c");
  const pane = await page.locator(".react-flow__pane").boundingBox();
  await page.mouse.click(pane.x + 20, pane.y + 20);
  await page.keyboard.press("Control+v");
  await stage("archive-2").waitFor();
  await page.mouse.click(pane.x + 20, pane.y + 20);
  await page.keyboard.press("Control+a");
  await page.locator(".react-flow__node.selected").nth(6).waitFor();
  assert.equal(await page.evaluate(() => getSelection().toString()), "");
  await button("Discard").click();
  await stage("archive-2").waitFor({ state: "detached" });
  // A refusal is of the text that was refused.
  await at("/projects/flights/assets/workflows/flights.yaml?tab=code");
  await page.locator(".cm-line", { hasText: "kind: Workflow" }).click();
  // What searches in the text comes a moment after it.
  await until("the search is there", async () => {
    await page.keyboard.press("Control+f");
    return (await page.locator(".cm-search").count()) > 0;
  });
  await page.keyboard.press("Escape");
  await page.locator(".cm-search").waitFor({ state: "detached" });
  await page.locator(".cm-line", { hasText: "kind: Workflow" }).click();
  await page.keyboard.press("End");
  await page.keyboard.type("x");
  await button("Save").click();
  await page.getByRole("alert").waitFor();
  await button("Undo").click();
  await isSaved();
  await page.getByRole("alert").waitFor({ state: "detached" });
});

test("a workflow of 1,000 stages is drawn in part, changed, and undone", async () => {
  const { directory } = await server.get("/api/v1/projects/flights");
  const stages = Array.from(
    { length: 998 },
    (_, it) =>
      `    - name: s${it}\n      from: ${it < 4 ? "read" : `s${it - 4}`}\n      processor: { throttle: { records: 9 } }\n`,
  );
  await writeFile(
    join(directory, "workflows", "large.yaml"),
    `apiVersion: weir/v1\nkind: Workflow\nmetadata: { name: large }\nspec:\n  stages:\n    - name: read\n      source: flight-files\n${stages.join("")}    - name: write\n      from: s997\n      sink: { devNull: {} }\n`,
  );
  await at("/projects/flights/assets/workflows/large.yaml");
  await page.getByText("1,000 stages").waitFor();
  await page.locator(".react-flow__node").first().waitFor();
  assert.ok(
    (await page.locator(".react-flow__node").count()) < 300,
    "what is not seen is not drawn",
  );
  await page
    .getByRole("complementary", { name: "Outline" })
    .getByRole("button", { name: /^s10 / })
    .click();
  await inspector().waitFor();
  await palette()
    .getByRole("button", { name: /^deduplicate/ })
    .click();
  await page.getByText("Added deduplicate behind s10").waitFor();
  await button("Undo").click();
  await page
    .getByText("1,000 stages")
    .or(page.getByText("saved", { exact: true }))
    .first()
    .waitFor();
  await isSaved();
});
