// Alarms of a real cluster of two engines: a node dies while two people look, one of them says so, and it comes back.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings, open } from "../support/browser.mjs";
import { cluster } from "../support/cluster.mjs";
import { command, until } from "../support/weir.mjs";

const PASSWORD = "a long pass phrase";
const NOTE = "the power is gone; I'm on it";
/** It is found to be gone, somebody else takes over what it did, and looks. */
const FOUND_MS = 120_000;

/** Somebody who may do all. */
async function ada(server) {
  const secret = await until("the server wrote the secret", async () => {
    const file = join(server.dir, "config-server", "config-server", "set-up-secret");
    return (await readFile(file, "utf8")).trim();
  });
  await command(server.url, "POST", "/api/v1/set-up", { name: "ada", password: PASSWORD, secret });
}
const { server, chrome, page, complaints, closed, inDialog, dialog } = await begin(cluster, {
  more: ada,
});
const [first, second] = server.nodes;
const other = await open(chrome, "light");
const both = [page, other.page];

const panel = (name, of) => of.getByRole("region", { name, exact: true });
const rows = (name, of) => panel(name, of).locator("tbody tr[aria-rowindex]");
const about = (name, node, of) => rows(name, of).filter({ hasText: node });
const badge = (of) => of.getByRole("navigation").getByRole("link", { name: /^Alarms/ });

async function logIn(page) {
  await page.goto(`${server.url}/log-in`);
  await page.locator("input[name=name]").fill("ada");
  await page.locator("input[name=password]").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.getByRole("button", { name: "ada ▾" }).waitFor();
  await page.goto(`${server.url}/alarms`);
}

const allUp = async () => {
  const { members = [] } = await server.get("/api/v1/cluster/members");
  return members.filter((it) => it.status === "up" && !it.unreachable).length === 2;
};

test("where nothing is wrong, no alarm stands", async () => {
  for (const it of both) {
    await logIn(it);
    await it.getByText("No alarm stands").waitFor();
    await it.getByText("No alarm has ended yet").waitFor();
    assert.deepEqual(await findings(it), []);
  }
});

test("a node that dies is an alarm in pages that stand open", async () => {
  await server.kill(second);
  for (const it of both) {
    await about("Standing", second, it).first().waitFor({ timeout: FOUND_MS });
    assert.match(await badge(it).innerText(), /\d\s*unconfirmed/);
  }
});

test("what one confirms the other sees, and what is confirmed is counted no more", async () => {
  const row = about("Standing", second, page).first();
  await row.getByRole("button", { name: /^Confirm …/ }).click();
  await dialog().getByText("It mends nothing").waitFor();
  await page.keyboard.type(NOTE);
  assert.deepEqual(await findings(page), []);
  await inDialog("Confirm").click();
  await closed();
  for (const it of both) await about("Standing", second, it).getByText(NOTE).first().waitFor();
  // What follows from it may be alarms of its own.
  await until("all are confirmed", async () => {
    await server.cli("alarm", "confirm", "--all");
    const { counts } = await server.get("/api/v1/alarms");
    return Object.values(counts.unconfirmed).every((it) => it === 0);
  });
  for (const it of both)
    await until("the badge is gone", async () => (await badge(it).innerText()).trim() === "Alarms");
  const all = page.getByRole("button", { name: "Confirm all …" });
  await until("nothing is left to confirm", async () => {
    return (await all.getAttribute("aria-disabled")) === "true";
  });
});

test("the overview says who has seen it, and tells it once", async () => {
  await page.getByRole("link", { name: "Overview" }).first().click();
  const problem = page.getByRole("listitem").filter({ hasText: NOTE });
  await problem.getByText(/Confirmed by ada@config, /).waitFor();
  await page.getByText(/\(confirmed by ada@config\)/).waitFor();
  const gone = /can't be reached|is down|is gone/;
  const told = page.getByRole("listitem").filter({ hasText: second }).filter({ hasText: gone });
  assert.equal(await told.count(), 1);
  await problem.getByRole("link", { name: second, exact: true }).click();
  await page.waitForURL("**/alarms/*");
  await page.getByText("What is known of it").waitFor();
  assert.deepEqual(await findings(page), []);
  const id = page.url().split("/").at(-1);
  const { stdout } = await server.cli("alarm", "show", id);
  assert.match(stdout, /the power is gone/);
  await page.getByRole("link", { name: `All alarms of ${second}` }).click();
  await page.waitForURL("**/alarms?subject=**");
});

test("it ends when the node is back, in pages that stand open", async () => {
  await server.again(second);
  for (const it of both) {
    await about("Ended", second, it).getByText(NOTE).first().waitFor({ timeout: FOUND_MS });
    await about("Standing", second, it).first().waitFor({ state: "detached" });
  }
  await page.reload();
  await about("Ended", second, page).getByText(NOTE).first().waitFor();
});

test("engines end and begin again, and all is known as it was", async () => {
  await until("both are up", allUp, FOUND_MS);
  await server.end(first);
  await until("it left", async () => !(await allUp()), FOUND_MS);
  await server.again(first);
  await until("both are up again", allUp, FOUND_MS);
  await page.reload();
  const kept = about("Ended", second, page).getByText(NOTE).first();
  await kept.waitFor({ timeout: FOUND_MS });
  // Whoever left by itself is not missed.
  assert.equal(await about("Ended", first, page).filter({ hasText: "is gone" }).count(), 0);
  await kept.click();
  await page.waitForURL("**/alarms/*");
  for (const it of ["ended", "ada@config", NOTE])
    await page.getByText(it, { exact: true }).last().waitFor();
});

test("the browser had nothing to complain of", async () => {
  assert.deepEqual(complaints, []);
  assert.deepEqual(other.complaints, []);
  await other.close();
});
