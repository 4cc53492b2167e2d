// What goes wrong while somebody looks: nothing that was typed is lost, and what is wrong is said.
import assert from "node:assert/strict";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings, open, profile } from "../support/browser.mjs";
import { emptied, filled, PASSWORD } from "../support/filled.mjs";
import { command, until } from "../support/weir.mjs";

const { server, chrome, page, complaints, at, button, field, dialog } = await begin(filled);
const logIn = async (of, name, isKept = false) => {
  await of.goto(`${server.url}/log-in`);
  await field("name", of).fill(name);
  await field("password", of).fill(PASSWORD);
  if (isKept) await of.getByLabel(/Stay logged in/).check();
  await button("Log in", of).click();
  await button(`${name} ▾`, of).waitFor();
};
const target = async () => (await server.get("/api/v1/scheduler/workflows/flights")).target;

test("a session that ends in the middle of an edit is taken up again, and the edit is there", async () => {
  await logIn(page, "ada");
  await at("/scheduler");
  await button("One more of flights").click();
  await page.getByText("1 change drafted").waitFor();
  await command(server.url, "DELETE", "/api/v1/users/ada/sessions");
  await dialog().getByText("Your session has ended").waitFor();
  await dialog().getByLabel("Password of ada").fill("not the right one");
  await button("Log in", dialog()).click();
  await dialog().getByRole("alert").waitFor();
  await dialog().getByLabel("Password of ada").fill(PASSWORD);
  await button("Log in", dialog()).click();
  await dialog().waitFor({ state: "detached" });
  await page.getByText("1 change drafted").waitFor();
  await button("Preview").click();
  await page.getByText(/flights #\d+ starts on/).waitFor();
});

test("a refusal for want of a session is forgotten once there is one, and what was typed stays", async () => {
  await at("/projects");
  await button("Create … a project").click();
  const asked = page.getByRole("dialog", { name: /^Create/ });
  await asked.getByRole("textbox", { name: "Name" }).fill("meanwhile");
  await command(server.url, "DELETE", "/api/v1/users/ada/sessions");
  // The window of the log-in may stand before it already.
  await button("Create", asked).dispatchEvent("click");
  await asked.getByRole("alert").waitFor();
  const again = page.getByRole("dialog", { name: "Your session has ended" });
  await again.getByLabel("Password of ada").fill(PASSWORD);
  await button("Log in", again).click();
  await again.waitFor({ state: "detached" });
  await asked.getByRole("alert").waitFor({ state: "detached" });
  assert.equal(await asked.getByRole("textbox", { name: "Name" }).inputValue(), "meanwhile");
  await button("Create", asked).click();
  await page.waitForURL("**/projects/meanwhile");
  await at("/scheduler");
  await page.getByText("1 change drafted").waitFor();
  await button("Preview").click();
  await page.getByText(/flights #\d+ starts on/).waitFor();
});

test("what somebody else changed meanwhile is said, and the draft stays", async () => {
  await server.cli("scheduler", "set", "flights", "--weight", "70");
  await page.getByText("The schedule has changed since you looked").waitFor();
  await page.getByText("1 change drafted").waitFor();
  assert.equal(await page.getByText(/flights #\d+ starts on/).count(), 0, "that may be wrong now");
  assert.equal(await button("Apply").getAttribute("aria-disabled"), "true");
  assert.deepEqual(await findings(page), []);
  await button("Preview again").click();
  await page.getByText(/flights #\d+ starts on/).waitFor();
  assert.equal(await target(), 1, "nothing is applied to what was not seen");
  await button("Apply").click();
  await until("it is applied", async () => (await target()) === 2);
  await page.getByText("2/2").waitFor();
  await page.getByText("1 change drafted").waitFor({ state: "detached" });
  // What is set by others as it was drafted is no change any more.
  await button("One more of flights").click();
  await page.getByText("1 change drafted").waitFor();
  await server.cli("scheduler", "set", "flights", "--target", "3");
  await page.getByText("What was drafted is set by now").waitFor();
  assert.equal(await page.getByText("1 change drafted").count(), 0);
  await server.cli("scheduler", "set", "flights", "--target", "2");
  await button("ada ▾").click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await button("this machine ▾").waitFor();
});

test("tabs of two users don't mix, and who is there changes in all tabs that share a session", async () => {
  const context = await profile(chrome);
  const [first, second, own] = [
    await context.newPage(),
    await context.newPage(),
    await context.newPage(),
  ];
  await logIn(first, "ada", true);
  await second.goto(`${server.url}/nodes`);
  await button("ada ▾", second).waitFor();
  // One tab has a session of its own: it stays, whatever the others do.
  await logIn(own, "ada");
  await button("ada ▾", first).click();
  await first.getByRole("menuitem", { name: "Log out" }).click();
  await button("this machine ▾", first).waitFor();
  await button("this machine ▾", second).waitFor();
  await own.goto(`${server.url}/nodes`);
  await button("ada ▾", own).waitFor();
  await context.close();
});

test("the server restarts while the page is open: it says so, and goes on", async () => {
  await at("/workflows");
  await page.getByRole("link", { name: "flights", exact: true }).waitFor();
  await page.locator("#live-mark", { hasText: "Live" }).waitFor();
  await server.restart(async () => {
    await page.locator("#live-mark", { hasText: "Reconnecting" }).waitFor();
    await page.getByText("The server was last heard").waitFor();
    await page.getByRole("link", { name: "flights", exact: true }).waitFor();
  });
  await page.locator("#live-mark", { hasText: "Live" }).waitFor();
  await page.getByRole("link", { name: "flights", exact: true }).waitFor();
});

test("a page that is held says so", async () => {
  await at("/");
  // How the cluster is takes some seconds: one that is held before says that it was not known yet.
  await page.locator("#live-mark", { hasText: "Live" }).click();
  await page.getByText("The page is held:").waitFor();
  await page.getByText(/The page is held\. (As it was then|It was not known yet):/).waitFor();
  await button("Go on").click();
  await page
    .getByText(/(Healthy|Degraded|Impaired): /)
    .first()
    .waitFor();
  await page.locator("#live-mark", { hasText: "Live" }).click();
  await page.getByText("As it was then:").waitFor();
  await button("Go on").click();
  await page.locator("#live-mark", { hasText: "Live" }).waitFor();
});

test("a broken package is refused where it was dropped, with what is wrong", async () => {
  await at("/deployments");
  await button("Upload …").click();
  const broken = join(server.dir, "broken.weir");
  await writeFile(broken, "this is no package");
  await dialog().locator("input[type=file]").setInputFiles(broken);
  await dialog().getByRole("button", { name: "Check" }).click();
  await dialog().getByRole("alert").waitFor();
  await dialog().locator("input[type=file]").setInputFiles(join(server.dir, "v2.weir"));
  await dialog().getByRole("alert").waitFor({ state: "detached" });
  await button("Cancel", dialog()).click();
});

test("names of 200 characters and of emoji are shown, and nothing is pushed out of the page", async () => {
  const flights = join(server.dir, "flights");
  const names = [`${"a-very-long-name-".repeat(13).slice(0, 196)}.csv`, "🛩️ naïve ☃ 漢字 <b>.csv"];
  for (const name of names)
    await copyFile(join(flights, "done", "flights-2001-01-01.csv"), join(flights, "in", name));
  for (const path of ["/streams", "/"]) {
    await at(path);
    for (const name of names) await page.getByRole("link", { name }).first().waitFor();
    const [wide, inner] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      window.innerWidth,
    ]);
    assert.ok(wide <= inner, `${path} is ${wide} wide in a window of ${inner}`);
  }
  await at("/streams");
  await page.getByRole("link", { name: names[1] }).click();
  await page.getByRole("heading", { level: 1, name: names[1] }).waitFor();
  await at("/streams");
  await page.getByRole("link", { name: names[0] }).click();
  await page.getByRole("heading", { level: 1, name: names[0] }).waitFor();
  assert.ok(
    await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth),
    "a long title breaks",
  );
});

test("a node that is gone, and a stream that never was, are told as such", async () => {
  await at("/nodes/gone");
  await page.getByText("gone is no member of the cluster").waitFor();
  await at("/streams/0197a8b0-5b5e-7c3e-9d4f-0123456789ab");
  await page.getByRole("alert").first().waitFor();
});

test("an empty cluster says what belongs where, on every screen", async () => {
  const empty = await emptied();
  try {
    const { page, complaints, close } = await open(chrome);
    const screens = {
      "/": "Healthy:",
      "/workflows": "No workflow runs yet",
      "/streams": "No streams",
      "/deployments": "No package is stored",
      "/scheduler": "No workflow is scheduled",
      "/access": "No source handed anything out yet",
      "/access?tab=resources": "There are no resources",
      "/users": "There is no user yet",
      "/alarms": "No alarm stands",
    };
    for (const [path, has] of Object.entries(screens)) {
      await page.goto(empty.url + path);
      await page.getByText(has).first().waitFor();
      assert.deepEqual(await findings(page), [], path);
    }
    // Nobody could log in: the overview leads to where that is changed.
    await page.goto(empty.url);
    await page.getByRole("link", { name: "Make the first administrator" }).click();
    await page.waitForURL("**/set-up");
    assert.deepEqual(complaints, []);
    await close();
  } finally {
    await empty.stop();
  }
});

test("the browser had nothing to complain of", () => {
  // What is asked for while the server is away fails, and the browser says so.
  assert.deepEqual(
    complaints.filter((it) => !it.includes("net::ERR_")),
    [],
  );
});
