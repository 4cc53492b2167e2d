// What is shown is in the address: a copy of it shows the same, and Back leads to what was shown before.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { open } from "../support/browser.mjs";
import { weir } from "../support/weir.mjs";

const { chrome, page, complaints, at, button } = await begin(weir);

/** What somebody else sees who is sent the address. */
async function sent(look) {
  const other = await open(chrome);
  await other.page.goto(page.url());
  await look(other.page);
  await other.close();
}
const region = (name, of = page) => of.getByRole("region", { name, exact: true });

test("Back leads through the stages that were chosen, in the graph and in the designer", async () => {
  await at("/workflows/flights");
  for (const name of ["derive", "route"]) {
    await page.locator(`.react-flow__node[data-id=${name}]`).click();
    await region(`Stage ${name}`).waitFor();
  }
  await page.goBack();
  await region("Stage derive").waitFor();
  await page.goBack();
  await region("Stage derive").waitFor({ state: "detached" });
  assert.match(page.url(), /workflows\/flights$/);

  await at("/projects/flights/assets/workflows/flights.yaml");
  const inspector = (name) => page.getByRole("complementary", { name, exact: true });
  for (const name of ["derive", "route"]) {
    await page.locator(`.react-flow__node[data-id=${name}]`).click();
    await inspector(`Inspector of ${name}`).waitFor();
  }
  await page.getByRole("link", { name: "Code", exact: true }).click();
  await page.getByRole("textbox", { name: /^Text of/ }).waitFor();
  await page.goBack();
  await inspector("Inspector of route").waitFor();
  await page.goBack();
  await inspector("Inspector of derive").waitFor();
  await page.goBack();
  await inspector("Outline").waitFor();
});

test("a filter is typed as fast as one can, and is in the address", async () => {
  await at("/nodes");
  await page.getByRole("textbox", { name: "Filter" }).pressSequentially("no such node");
  await page.waitForURL(/filter=no(\+|%20)such(\+|%20)node$/);
  await sent(async (other) => {
    await region("Engines of the cluster", other).waitFor();
    assert.equal(await other.getByRole("textbox", { name: "Filter" }).inputValue(), "no such node");
  });
});

test("what looks like a number or a flag in an address is a text", async () => {
  for (const typed of ["1.10", "true", "5", "a#b"]) {
    await at(`/nodes?filter=${encodeURIComponent(typed)}`);
    const filter = page.getByRole("textbox", { name: "Filter" });
    await filter.waitFor();
    assert.equal(await filter.inputValue(), typed);
    assert.equal(new URL(page.url()).searchParams.get("filter"), typed);
  }
});

test("what is copied is made of nothing that an address says", async () => {
  await at(`/users?tab=${encodeURIComponent("user list; rm -rf ~ #x")}`);
  await button("Copy as command: weir user list").waitFor();
  await page.getByRole("link", { name: "Users", exact: true, current: "page" }).first().waitFor();
});

test("the order of a table is in the address", async () => {
  await at("/streams");
  const firstOf = (of) => of.locator("tbody tr td:nth-child(3)").first().textContent();
  const by = (of) => of.getByRole("columnheader", { name: "Item" });
  await by(page).getByRole("button").click();
  await page.waitForURL("**sort=streams.item");
  await by(page).getByRole("button").click();
  await page.waitForURL("**sort=streams.-item");
  const first = await firstOf(page);
  await sent(async (other) => {
    await other.locator("th[aria-sort=descending]").waitFor();
    assert.equal(await firstOf(other), first);
  });
});

test("the order of a table stays while a filter is typed", async () => {
  for (const [path, table, column] of [
    ["/nodes", "Nodes", "Memory"],
    ["/projects", "Projects", "Directory"],
    ["/workflows", "Workflows", "Dead letters"],
  ]) {
    await at(path);
    const by = page.getByRole("columnheader", { name: column });
    await by.getByRole("button").click();
    await page.locator("th[aria-sort]", { hasText: column }).waitFor();
    await page.getByRole("textbox", { name: "Filter" }).first().fill("e");
    await page.waitForURL(/filter=e/);
    const said = new URL(page.url()).searchParams.get("sort") ?? "";
    assert.match(said, /\./, `${table} has its order still`);
  }
});

test("charts that are shown as tables are in the address", async () => {
  await at("/workflows/flights?tab=metrics");
  await page.getByRole("figure").nth(1).getByRole("button", { name: "As table" }).click();
  await page.waitForURL("**table=dead-letters-per-second");
  await sent(async (other) => {
    await region("Dead letters per second", other).waitFor();
    assert.equal(await other.getByRole("button", { name: "As table" }).count(), 3);
  });
});

test("where one looks, and under which condition, is in the address", async () => {
  await at("/workflows/flights?tab=sample");
  await page.getByRole("combobox", { name: "Where" }).click();
  await page.getByRole("option", { name: "route.severe → severe" }).click();
  await page.waitForURL("**port=severe**");
  await page.getByPlaceholder("Condition").pressSequentially("delay > 60");
  await button("As JSON").click();
  await sent(async (other) => {
    await other.getByRole("button", { name: "As table" }).waitFor();
    assert.equal(await other.getByPlaceholder("Condition").inputValue(), "delay > 60");
    const where = other.getByRole("combobox", { name: "Where" });
    assert.equal(await where.inputValue(), "route.severe → severe");
  });
  await at("/workflows/flights?tab=sample");
  await button("Look").click();
  await page.waitForURL("**stage=read**to=derive**");
});

test("the browser had nothing to complain of", () => {
  assert.deepEqual(complaints, []);
});
