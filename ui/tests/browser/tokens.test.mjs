// Tokens for programs: made from the page, shown once, and revoked.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { PASSWORD } from "../support/filled.mjs";
import { command, until, weir } from "../support/weir.mjs";

const ada = async (server) => {
  const secret = await until("there is a secret", () => server.secret());
  await command(server.url, "POST", "/api/v1/set-up", { name: "ada", password: PASSWORD, secret });
};
const { server, page, complaints, at, button, field, dialog, inDialog, closed } = await begin(
  weir,
  { more: ada },
);

test("a token is made, lets a program in, and is revoked", async () => {
  await at("/users?tab=tokens");
  const make = button("New … token");
  assert.equal(await make.getAttribute("aria-disabled"), "true", "it is a user's own");
  await at("/log-in");
  await field("name").fill("ada");
  await field("password").fill(PASSWORD);
  await button("Log in").click();
  await button("ada ▾").waitFor();
  await page.goto(`${server.url}/users?tab=tokens`);
  await make.click();
  await dialog().getByRole("textbox", { name: "For" }).fill("nightly build");
  await dialog().getByRole("checkbox", { name: "deployment:read" }).check();
  await inDialog("Make the token").click();
  const shown = dialog().locator("code[data-token]");
  const token = await shown.textContent();
  assert.deepEqual(await findings(page), []);
  const asks = () =>
    fetch(`${server.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await (await asks()).json()).user, "ada");
  await inDialog("I have it").click();
  await closed();
  const row = page.getByRole("row").filter({ hasText: "nightly build" });
  await row.getByText("deployment:read").waitFor();
  assert.equal(await page.getByText(token).count(), 0);
  await row.getByRole("checkbox").check();
  await button("Revoke …").click();
  await dialog().getByRole("textbox").fill("nightly build");
  await inDialog("Revoke").click();
  await closed();
  await row.waitFor({ state: "detached" });
  await until("it lets nobody in", async () => (await (await asks()).json()).user !== "ada");
  assert.deepEqual(complaints, []);
});
