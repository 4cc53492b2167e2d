// Logging in at a provider of OpenID Connect: there and back, in a real browser.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browser, open } from "../support/browser.mjs";
import { freePorts, until, weir } from "../support/weir.mjs";

// `scripts/tools test` puts it there.
const PROVIDER = "../target/oidc/provider.mjs";

let [server, chrome, page, provider, dir] = [];

before(async () => {
  dir = await mkdtemp(join(tmpdir(), "weir-oidc-"));
  const [port] = await freePorts(1);
  const issuer = `http://127.0.0.1:${port}`;
  const file = join(dir, "people.json");
  const people = {
    1: { preferred_username: "eve", groups: ["operators"] },
    2: { preferred_username: "bob", groups: [] },
  };
  const started = (url) =>
    [
      ["issuer", issuer],
      ["name", "the house"],
      ["client-id", "weir"],
      ["redirect-uri", `${url}/log-in`],
      ["roles", [{ group: "operators", roles: ["user"] }]],
    ].flatMap(([key, value]) => ["-D", `weir.users.oidc.${key}=${JSON.stringify(value)}`]);
  [server, chrome] = await Promise.all([weir(started), browser()]);
  const clients = [
    {
      client_id: "weir",
      redirect_uris: [`${server.url}/log-in`],
      token_endpoint_auth_method: "none",
    },
  ];
  await writeFile(file, JSON.stringify({ clients, people, idTokenHasAll: true }));
  provider = spawn("node", [PROVIDER, String(port), file], { stdio: "ignore" });
  const answers = async () => (await fetch(`${issuer}/jwks`)).ok;
  await until("the provider answers", answers);
  ({ page } = await open(chrome));
  page.setDefaultTimeout(20_000);
});
after(async () => {
  await chrome?.close();
  await server?.stop();
  provider?.kill();
  await rm(dir, { recursive: true, force: true });
});

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
