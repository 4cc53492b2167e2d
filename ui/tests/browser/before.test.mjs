// What is said before something is done, and of what is not done yet.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { filled, PASSWORD } from "../support/filled.mjs";
import { command } from "../support/weir.mjs";

const { server, page, at, button, dialog, inDialog } = await begin(filled);
const FLIGHTS = "/projects/flights";
const assetPath = (path) => `/api/v1/projects/flights/assets/${encodeURIComponent(path)}`;
const text = async (path) => (await server.get(assetPath(path))).text;

test("an asset that extends another one shows what it has from there, and changes none of it", async () => {
  await at(FLIGHTS);
  await button("New … asset").click();
  await dialog().getByRole("combobox", { name: "What" }).click();
  await page.getByRole("option", { name: "Source of files" }).click();
  await dialog().getByRole("textbox", { name: "Name" }).fill("more-files");
  await dialog().getByRole("combobox", { name: "Extends" }).click();
  await page.getByRole("option", { name: "flight-files" }).click();
  await inDialog("Create").click();
  await page.getByText("It extends").waitFor();
  const directory = page.getByRole("textbox", { name: /^directory/ }).first();
  assert.equal(await directory.inputValue(), "in");
  await page.getByText("stays as the parent has it").waitFor();
  assert.match(await text("sources/more-files.yaml"), /spec: \{\}/);
});

test("what is not saved is said where the saved text is deployed", async () => {
  await at(`${FLIGHTS}/assets/formats/flights-csv.yaml`);
  await page.getByRole("textbox", { name: "description" }).fill("not saved");
  await page.getByText("● unsaved").waitFor();
  await page.getByRole("link", { name: "flights", exact: true }).click();
  await page.getByRole("link", { name: "Deploy", exact: true }).click();
  await page.getByText("Not saved yet").waitFor();
  await page.getByRole("link", { name: "formats/flights-csv.yaml" }).click();
  await button("Discard").click();
  await page.getByText("saved", { exact: true }).waitFor();
});

test("what can't be deleted asks for no name", async () => {
  await at(`${FLIGHTS}?asset=sources/flight-files.yaml`);
  await page.getByText("spec.stages[0].source").waitFor();
  await button("Delete … flight-files").click();
  await dialog().getByText("It can’t be deleted while others name it").waitFor();
  assert.equal(await dialog().getByRole("textbox").count(), 0);
});

test("sessions are ended by name and number", async () => {
  for (let it = 0; it < 2; it++)
    await command(server.url, "POST", "/api/v1/log-in", { name: "ada", password: PASSWORD });
  await at("/users?tab=sessions");
  const rows = page.getByRole("checkbox", { name: /^Choose/ });
  await rows.first().waitFor();
  for (const it of await rows.all()) if (!(await it.isChecked())) await it.check();
  await page.getByRole("button", { name: /^End \(\d+\)/ }).click();
  await dialog()
    .getByText(/^ada: \d+ sessions/)
    .waitFor();
  assert.equal(await inDialog("End").isDisabled(), true);
});

test("a drain of the only node says that nothing can go elsewhere", async () => {
  await at(`/nodes/${server.names.node}`);
  await button("Drain …").click();
  await dialog()
    .getByRole("status")
    .getByText(/have no place and run nowhere/)
    .waitFor();
  // Each of them, with the scheduler's reason.
  const { items } = await server.get("/api/v1/nodes");
  const rows = dialog().locator("tbody tr");
  assert.equal(await rows.count(), items[0].workflowInstances);
  for (const it of await rows.all()) assert.match(await it.innerText(), /nowhere\s+\S+/);
  assert.equal(await inDialog("Drain").isDisabled(), true);
});

test("Back leads to the tab before", async () => {
  await at("/workflows/flights");
  const tab = (name) => page.getByRole("link", { name, exact: true });
  await tab("Metrics").click();
  await page.waitForURL("**tab=metrics");
  await tab("Streams").last().click();
  await page.waitForURL("**tab=streams");
  await page.goBack();
  await page.waitForURL("**tab=metrics");
});

test("the menu of the user and the form of a role can be used by all", async () => {
  await at("/users?tab=roles");
  await button("this machine ▾").click();
  await page.getByRole("menuitem", { name: "Log in" }).waitFor();
  assert.deepEqual(await findings(page), []);
  await page.keyboard.press("Escape");
  await button("New … role").click();
  await dialog().getByText("stream:read").waitFor();
  assert.deepEqual(await findings(page), []);
});

test("Ctrl K goes to whatever one names, and does what has a name", async () => {
  await at("/");
  await page.getByText("Go to …").waitFor();
  for (const [typed, title, path] of [
    ["thresholds", "thresholds", "/projects/flights/assets/environments/thresholds.yaml"],
    ["stream flights", /Stream of flights/, /^\/streams\//],
    ["user ada", "ada", "/users"],
    ["upload", "Upload a package", "/deployments"],
  ]) {
    await page.keyboard.press("Control+k");
    await dialog().getByRole("combobox").fill(typed);
    await dialog().getByRole("option", { name: title }).first().waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL((it) =>
      typeof path === "string" ? it.pathname === path : path.test(it.pathname),
    );
  }
  const scheme = () => page.locator("html").getAttribute("data-mantine-color-scheme");
  const before = await scheme();
  await page.keyboard.press("Control+k");
  await dialog().getByRole("combobox").fill("dark");
  await page.keyboard.press("Enter");
  await dialog().waitFor({ state: "detached" });
  assert.notEqual(await scheme(), before);
});

test("a package that is longer than the server takes is not sent, and the limit is said", async () => {
  const { limits } = await server.get("/api/v1/version");
  const sent = [];
  page.on("request", (it) => {
    if (it.method() === "POST") sent.push(it.url());
  });
  await at("/deployments");
  await page
    .getByRole("button", { name: /^Upload …/ })
    .first()
    .click();
  await dialog()
    .getByText(/^At most [\d.]+ (KiB|MiB)$/)
    .waitFor();
  await dialog()
    .locator("input[type=file]")
    .evaluate((input, bytes) => {
      const all = new DataTransfer();
      all.items.add(new File([new Uint8Array(bytes)], "all.weir"));
      input.files = all.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }, limits.uploadBytes + 1);
  await dialog()
    .getByRole("alert")
    .getByText(/this server takes at most/)
    .waitFor();
  assert.ok(await inDialog("Check").isDisabled());
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(sent, []);
});
