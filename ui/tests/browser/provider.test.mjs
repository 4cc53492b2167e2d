// Logging in at a provider of OpenID Connect: there and back, in a real browser.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { begin } from "../support/begin.mjs";
import { freePorts } from "../support/ports.mjs";
import { command, until, weir } from "../support/weir.mjs";

// `scripts/tools test` puts it there.
const PROVIDER = "../target/oidc/provider.mjs";

const dir = await mkdtemp(join(tmpdir(), "weir-oidc-"));
const [port] = await freePorts(1);
const issuer = `http://127.0.0.1:${port}`;
let provider;
after(async () => {
  provider?.kill();
  await rm(dir, { recursive: true, force: true });
});

const configured = (url) =>
  [
    ["issuer", issuer],
    ["name", "the house"],
    ["client-id", "weir"],
    ["redirect-uri", `${url}/log-in`],
    ["roles", [{ group: "operators", roles: ["user"] }]],
  ].flatMap(([key, value]) => ["-D", `weir.users.oidc.${key}=${JSON.stringify(value)}`]);

async function people({ url }) {
  const file = join(dir, "people.json");
  const people = {
    1: { preferred_username: "eve", groups: ["operators"] },
    2: { preferred_username: "bob", groups: [] },
  };
  const redirect_uris = [`${url}/log-in`];
  const clients = [{ client_id: "weir", redirect_uris, token_endpoint_auth_method: "none" }];
  await writeFile(file, JSON.stringify({ clients, people, idTokenHasAll: true }));
  provider = spawn("node", [PROVIDER, String(port), file], { stdio: "ignore" });
  await until("the provider answers", async () => (await fetch(`${issuer}/jwks`)).ok);
}

const { server, page } = await begin(() => weir(configured), { more: people });

const logIn = async (subject) => {
  await page.goto(`${server.url}/log-in`);
  await page.getByRole("button", { name: "Log in with the house" }).click();
  await page.locator("input[name=login]").fill(subject);
  await page.locator("input[name=password]").fill("x");
  await page.locator("button[type=submit]").first().click();
  await page.waitForURL(`${server.url}/**`);
};

test("who is let in nowhere is told so, and the address keeps nothing", async () => {
  await logIn("2");
  await page.getByText("nothing here is open to you").waitFor();
  assert.equal(page.url(), `${server.url}/log-in`);
  await page.context().clearCookies();
});

test("who comes back from the provider is logged in", async () => {
  await logIn("1");
  await page.getByText("eve").first().waitFor();
  assert.ok(!page.url().includes("code="), page.url());
});

test("whose session ends comes back by the provider, and the page is as they left it", async () => {
  await page.goto(`${server.url}/workflows/flights?tab=sample`);
  const condition = page.getByPlaceholder("Condition, as delay > 60");
  await condition.fill("delay > 77");
  await command(server.url, "DELETE", "/api/v1/users/eve/sessions");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Your session has ended").waitFor();
  const [opened] = await Promise.all([
    page.waitForEvent("popup"),
    dialog.getByRole("button", { name: "Log in with the house …" }).click(),
  ]);
  // The provider may know the browser still.
  const name = opened.locator("input[name=login]");
  await until("the provider asks, or lets one in", async () => {
    return opened.isClosed() || (await name.isVisible().catch(() => false));
  });
  if (!opened.isClosed()) {
    await name.fill("1");
    await opened.locator("input[name=password]").fill("x");
    await opened.locator("button[type=submit]").first().click();
  }
  await dialog.waitFor({ state: "detached" });
  assert.equal(await condition.inputValue(), "delay > 77");
  await page.getByRole("button", { name: "eve ▾" }).waitFor();
  await until("its window is closed", () => opened.isClosed());
});
