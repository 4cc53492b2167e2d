// What people do, from the first click to what comes of it on a real engine.
import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings, goByKeys, profile } from "../support/browser.mjs";
import { filled, PASSWORD } from "../support/filled.mjs";
import { command, until } from "../support/weir.mjs";

const { server, chrome, page, complaints, at, button, field, dialog } = await begin(filled);
const live = () => page.locator("#live-mark", { hasText: "Live" }).waitFor();

test("a file that comes in is seen at once, without a reload", async () => {
  await at("/streams");
  await page.getByText("flights-2001-01-01.csv").first().waitFor();
  const flights = join(server.dir, "flights");
  await copyFile(
    join(flights, "done", "flights-2001-01-01.csv"),
    join(flights, "in", "brand-new.csv"),
  );
  await page.getByRole("link", { name: "brand-new.csv" }).click();
  await page.getByRole("heading", { level: 1, name: "brand-new.csv" }).waitFor();
  await page.getByText("severe", { exact: true }).first().waitFor();
});

test("a name of 200 characters leaves the other columns where they are seen", async () => {
  const flights = join(server.dir, "flights");
  const name = `${"long-".repeat(39)}9.csv`;
  await copyFile(join(flights, "done", "flights-2001-01-01.csv"), join(flights, "in", name));
  await page.setViewportSize({ width: 1280, height: 800 });
  await at("/streams");
  const table = page.getByRole("region", { name: "Streams", exact: true });
  await table.getByTitle(name).waitFor();
  await table.getByRole("link", { name, exact: true }).waitFor();
  const beyond = () => table.evaluate((it) => it.scrollWidth - it.clientWidth);
  assert.equal(await beyond(), 0);
  await at("/access?source=flights/read");
  await page.getByTitle(name).waitFor();
});

test("the keyboard leads everywhere", async () => {
  await at("/");
  await page.getByText("Healthy:").waitFor();
  await goByKeys(page, "w", page.getByPlaceholder("Filter"));
  await page.keyboard.press("/");
  await page.keyboard.type("airp");
  await page.waitForURL("**/workflows?filter=airp");
  await until("one row is left", async () => (await page.locator("tbody tr").count()) === 1);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("workflow flights");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/workflows/flights");
  await page.getByRole("link", { name: "Instances" }).waitFor();
  await page.keyboard.press("]");
  await page.waitForURL("**/workflows/flights?tab=instances");
});

test("a change of the schedule is drafted, looked at, and applied", async () => {
  await at("/scheduler");
  await button("One more of flights").click();
  await page.getByText("1 change drafted").waitFor();
  // A number that is typed goes through what is none.
  const weight = page.getByLabel("Weight of flights");
  const was = await weight.inputValue();
  await weight.fill("");
  assert.equal(await weight.inputValue(), "");
  await weight.pressSequentially("250");
  await page.getByRole("button", { name: /--weight 250/ }).waitFor();
  await weight.fill("-5");
  await weight.blur();
  assert.equal(await weight.inputValue(), was, "what is no weight changes nothing");
  // So do limits; and going elsewhere loses none of it.
  await page.getByRole("button", { name: "limits of flights" }).click();
  await dialog().getByLabel("At most, each node").fill("many");
  assert.ok(await dialog().getByRole("button", { name: "Draft it" }).isDisabled());
  await dialog().getByLabel("At most, each node").fill("3");
  assert.deepEqual(await findings(page), []);
  await dialog().getByRole("button", { name: "Draft it" }).click();
  await dialog().waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Audit" }).click();
  await page.waitForURL("**/audit");
  await page.goBack();
  await page.getByText("1 change drafted").waitFor();
  await page.getByRole("button", { name: /set flights --target 2 --min none --max 3$/ }).waitFor();
  await button("Preview").click();
  await page.getByText(/flights #\d+ starts on/).waitFor();
  assert.equal(
    (await server.get("/api/v1/scheduler/workflows/flights")).target,
    1,
    "nothing is applied yet",
  );
  await button("Apply").click();
  await page.getByText("2/2").waitFor();
  const { target, settings } = await server.get("/api/v1/scheduler/workflows/flights");
  assert.deepEqual([target, settings.default], [2, { max: 3 }]);
  // Back to what the deployment says.
  await page.getByLabel("Target of flights").fill("0");
  await page.getByLabel("Target of flights").fill("2");
  await button("unset the target of flights").click();
  await page.getByText("as the deployment says, was 2").waitFor();
  await button("Preview").click();
  await page.getByText(/flights #\d+ stops on/).waitFor();
  await button("Apply").click();
  await page.getByText("1/1").first().waitFor();
});

test("items are counted before they are reset", async () => {
  await at("/access?source=airports/read");
  await page.getByText("airports.csv").first().waitFor();
  await button("Reset all that match …").click();
  await dialog().getByText("1 item", { exact: true }).waitFor();
  await dialog().getByRole("button", { name: "Reset 1 item" }).click();
  await dialog().waitFor({ state: "detached" });
  await until("nothing is remembered of it", async () => {
    const { items } = await server.get("/api/v1/items?source=airports%2Fread");
    return items.length === 0;
  });
});

test("a package is uploaded, compared, made the default by its plan, and rolled back", async () => {
  await at("/deployments");
  await button("Upload …").click();
  await dialog().locator("input[type=file]").setInputFiles(join(server.dir, "v2.weir"));
  await dialog().getByLabel("Tag").fill("v3");
  await dialog().getByRole("combobox", { name: "Based on" }).click();
  await page.getByRole("option", { name: "v1" }).click();
  await dialog()
    .getByRole("button", { name: /upload v2.weir --tag v3 --base v1$/ })
    .waitFor();
  await dialog().getByRole("button", { name: "Check" }).click();
  await dialog().getByRole("button", { name: "Store v3" }).click();
  await page.getByRole("link", { name: "v3" }).click();
  await page.getByText("What differs from").waitFor();

  // The sample runs from its directory: that stands in the way, and the refusal says so.
  await button("Make default …").click();
  await dialog().getByText("withdraw that project first").waitFor();
  await dialog().getByRole("button", { name: "Cancel" }).click();
  await server.cli("deployment", "withdraw", "flights", "--management", server.management);
  await page.getByText("Applied from directories").waitFor({ state: "detached" });
  await button("Make default …").click();
  await dialog().getByText("starts").waitFor();
  await dialog().getByText("v3 is to be made the default").waitFor();
  await dialog().getByRole("button", { name: "Make default" }).click();
  await dialog().waitFor({ state: "detached" });
  const runs = (tag) => page.getByRole("region", { name: "What nodes run" }).getByText(tag).first();
  await runs("v3").waitFor();
  await button("Roll back …").click();
  await page.getByRole("dialog", { name: "Roll back to DeploymentRoot" }).waitFor();
  await dialog().getByText("stops").waitFor();
  await dialog().getByRole("button", { name: "Roll back" }).click();
  await runs("DeploymentRoot").waitFor();
  await at("/deployments?tag=nope");
  await page.getByText("There is no deployment nope").waitFor();
});

test("a server that is silent is told, and what was shown stays", async () => {
  await at("/nodes");
  await live();
  const shown = page.getByRole("link", { name: server.names.node }).first();
  await shown.waitFor();
  server.signal("SIGSTOP");
  try {
    await page.getByText("The server was last heard").waitFor();
    await shown.waitFor();
  } finally {
    server.signal("SIGCONT");
  }
  await live();
});

/** What the overview says of controllers: among the problems they may stand as well. */
const controllers = (page) =>
  page.getByRole("region", { name: "Controllers" }).getByText("What there is one of");

test("the tabs of a browser share one stream, and another one goes on where one is closed", async () => {
  const context = await profile(chrome);
  let opened = 0;
  context.on("request", (it) => {
    if (it.url().includes("/api/v1/live")) opened += 1;
  });
  const [first, second] = [await context.newPage(), await context.newPage()];
  const isLive = (page) => page.locator("#live-mark", { hasText: "Live" }).waitFor();
  await first.goto(`${server.url}/`);
  await isLive(first);
  await controllers(first).waitFor();
  const before = opened;
  await second.goto(`${server.url}/`);
  await controllers(second).waitFor();
  await isLive(second);
  assert.equal(opened, before, "the second tab opens no stream of its own");
  await first.close();
  await until("the second tab took over", () => opened > before);
  await second.goto(`${server.url}/streams`);
  await second.getByText("flights-2001-01-01.csv").first().waitFor();
  await context.close();
});

test("who may not do something is told which claim it takes", async () => {
  await command(server.url, "POST", "/api/v1/users", {
    name: "bob",
    password: "some first password",
    roles: ["user"],
  });
  await at("/log-in");
  await page.getByText(/^Weir \d+\.\d+/).waitFor();
  await field("name").fill("bob");
  await field("password").fill("not the right one");
  await button("Log in").click();
  await page.getByRole("alert").waitFor();
  await field("password").fill("some first password");
  await button("Log in").click();
  await page.getByRole("heading", { name: "Change your password" }).waitFor();
  await field("current").fill("some first password");
  await field("new").fill(PASSWORD);
  await field("again").fill(`${PASSWORD} mistyped`);
  await button("Change it").click();
  await page.getByText("The two passwords are not the same").waitFor();
  await field("again").fill(PASSWORD);
  await button("Change it").click();
  await controllers(page).waitFor();
  await at("/users");
  await page.getByText("You need the claim user:read to see this").first().waitFor();
  await button("New user …").hover();
  await page.getByText("Needs the claim user:write").waitFor();
  await button("bob ▾").click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await button("this machine ▾").waitFor();
});

test("who may only read is told so at once, and is offered nothing else", async () => {
  const name = "watcher";
  const body = { name, password: "some first password" };
  await command(server.url, "POST", "/api/v1/users", { ...body, roles: ["monitoring"] });
  const { token } = await command(server.url, "POST", "/api/v1/log-in", body);
  const context = await profile(chrome);
  const own = await context.newPage();
  const answer = await own.request.post(`${server.url}/api/v1/me/password`, {
    headers: { authorization: `Bearer ${token}` },
    data: { current: body.password, new: PASSWORD },
  });
  assert.equal(answer.ok(), true, await answer.text());
  const again = await command(server.url, "POST", "/api/v1/log-in", { name, password: PASSWORD });
  await own.addInitScript((it) => sessionStorage.setItem("weir.session", it), again.token);

  await own.goto(`${server.url}/projects/flights/assets/workflows/flights.yaml`);
  await own.getByText("You may read this and change nothing of it").waitFor();
  await own.getByText("Choose a stage to read at the right what it does").waitFor();
  const palette = own.getByRole("complementary", { name: "Palette" });
  await palette.getByText("Needs the claim project:write").waitFor();
  const throttle = palette.getByRole("button", { name: /^throttle/ });
  assert.equal(await throttle.getAttribute("title"), "Needs the claim project:write");
  assert.equal(await throttle.getAttribute("aria-disabled"), "true");
  const stages = own.locator(".react-flow__node");
  const before = await stages.count();
  await throttle.click({ force: true });
  assert.equal(await stages.count(), before);
  assert.deepEqual(await findings(own), []);

  await own.goto(`${server.url}/scheduler`);
  const why = "Needs the claim schedule:write";
  const more = button("One more of flights", own);
  await more.click({ force: true });
  assert.equal(await more.getAttribute("title"), why);
  const target = own.getByRole("spinbutton", { name: "Target of flights" });
  assert.equal(await target.getAttribute("readonly"), "");
  const limits = own.getByRole("button", { name: /limits of flights/ });
  await limits.click({ force: true });
  for (const it of [target, limits, own.getByRole("spinbutton", { name: "Weight of flights" })])
    assert.equal(await it.getAttribute("title"), why);
  assert.equal(await own.getByText("drafted").count(), 0);
  assert.equal(await dialog(own).count(), 0);
  assert.deepEqual(await findings(own), []);

  // It was withdrawn before, and what runs nowhere shows no letters.
  await server.cli(
    "deployment",
    "apply",
    join(server.dir, "flights"),
    "--management",
    server.management,
  );
  await own.goto(`${server.url}/workflows/flights?tab=letters`);
  await own.getByText("You need the claim stream:sniff to see this").waitFor();
  assert.equal(await button("Try again", own).count(), 0);
  await context.close();
});

test("the browser had nothing to complain of", () => {
  assert.deepEqual(complaints, []);
});
