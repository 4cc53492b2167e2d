// The first administrator: who leads there while there is none, who does not afterwards, and what of it is written down.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { PASSWORD } from "../support/filled.mjs";
import { command, until, weir } from "../support/weir.mjs";

const { server, page, complaints, at, button, field, dialog, inDialog } = await begin(weir);
const main = page.getByRole("main");

test("while nobody administers it, the overview and the log-in lead to the set-up", async () => {
  await at("/");
  await main.getByRole("link", { name: "Make the first administrator" }).waitFor();
  await main.getByText("the server’s own machine, as you are").waitFor();
  await at("/log-in");
  await main.getByText("Nobody is set up here yet").waitFor();
  assert.deepEqual(await findings(page), []);
  await main.getByRole("link", { name: "Make the first administrator" }).click();
  await page.waitForURL("**/set-up");
  await field("secret").fill("not the secret of this server");
  await field("name").fill("eve");
  await field("password").fill(PASSWORD);
  await field("again").fill(PASSWORD);
  await button("Make the first administrator").click();
  await main.getByRole("alert").waitFor();
  // What was refused stays on the page, and is written down.
  assert.equal(await field("name").inputValue(), "eve");
  await at("/audit");
  const row = page.getByRole("row").filter({ hasText: "set-up" }).filter({ hasText: "refused" });
  await row.first().waitFor();
});

test("an entry of the audit opens at an address, with all that is written down of it", async () => {
  const row = page.getByRole("row").filter({ hasText: "set-up" }).filter({ hasText: "refused" });
  await row.first().click();
  await page.waitForURL(/entry=/);
  await dialog().getByText("refused").first().waitFor();
  await dialog().getByText("Request", { exact: true }).waitFor();
  await page.reload();
  await dialog()
    .getByText(/set-up$/)
    .first()
    .waitFor();
  assert.deepEqual(await findings(page), []);
});

test("as soon as there is one, nothing leads there, and the set-up says so", async () => {
  await at("/set-up");
  await field("secret").fill(await server.secret());
  await field("name").fill("ada");
  await field("password").fill(PASSWORD);
  await field("again").fill(PASSWORD);
  await button("Make the first administrator").click();
  await page.waitForURL(`${server.url}/`);
  await page.getByText("Newest streams").waitFor();
  assert.equal(await page.getByRole("link", { name: "Make the first administrator" }).count(), 0);
  await at("/set-up");
  await page.getByRole("heading", { name: "It is set up already" }).waitFor();
  assert.deepEqual(await findings(page), []);
  await page.getByRole("link", { name: "To the log-in" }).click();
  await field("name").waitFor();
  assert.equal(await page.getByRole("link", { name: "Make the first administrator" }).count(), 0);
});

test("the session of this page is marked, and all of a user's end by the name", async () => {
  const about = { name: "ada", password: PASSWORD };
  const other = await command(server.url, "POST", "/api/v1/log-in", about);
  await at("/users?tab=sessions");
  await page.getByRole("row").filter({ hasText: "ada" }).nth(1).waitFor();
  assert.equal(await page.getByText("this session", { exact: true }).count(), 1);
  await page
    .getByRole("row")
    .filter({ hasText: "ada" })
    .filter({ hasNotText: "this session" })
    .getByRole("checkbox")
    .check();
  await button("End all of the user …").click();
  await dialog().getByText("This session is among them").waitFor();
  await dialog().getByRole("button", { name: "weir session end-all ada" }).waitFor();
  assert.ok(await inDialog("End all").isDisabled(), "the name is not typed yet");
  assert.deepEqual(await findings(page), []);
  await dialog().getByLabel("to go on").fill("ada");
  await inDialog("End all").click();
  await page.getByRole("dialog", { name: "Your session has ended" }).waitFor();
  const headers = { authorization: `Bearer ${other.token}` };
  await until("the other one has ended, too", async () => {
    return (await fetch(`${server.url}/api/v1/users`, { headers })).status === 401;
  });
  assert.deepEqual(complaints, []);
});
