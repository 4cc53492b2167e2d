// What is known of clusters is changed by several people: who comes second is told, and may go on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { command, weir } from "../support/weir.mjs";

const { server, page, complaints, at, button, dialog, inDialog, closed } = await begin(weir);
const moon = async () =>
  (await server.get("/api/v1/clusters")).items.find((it) => it.name === "moon");
/** Somebody else changes it. */
async function others(note) {
  const { urls, entry } = await moon();
  const response = await fetch(`${server.url}/api/v1/clusters/moon`, {
    method: "PUT",
    headers: { "content-type": "application/json", "if-match": entry.revision },
    body: JSON.stringify({ urls, note }),
  });
  assert.equal(response.status, 200, await response.text());
}

test("a cluster that somebody else changed is shown as it is, and is changed after all", async () => {
  const urls = ["http://127.0.0.1:1"];
  await command(server.url, "POST", "/api/v1/clusters", { name: "moon", urls, note: "far" });
  await at("/fleet");
  await button("Change … moon").click();
  await dialog().getByRole("textbox", { name: "Note" }).fill("mine");
  await others("theirs");
  await inDialog("Change").click();
  await dialog().getByText("“theirs”. Go on only if you mean to change that.").waitFor();
  assert.equal((await moon()).note, "theirs");
  assert.deepEqual(await findings(page), []);
  await inDialog("Change").click();
  await closed();
  assert.equal((await moon()).note, "mine");
});

test("one that somebody else changed is removed after all", async () => {
  await page.getByText("mine", { exact: true }).waitFor();
  await button("Remove … moon").click();
  await others("theirs");
  await inDialog("Remove").click();
  await dialog().getByText("“theirs”. Go on only if you mean to change that.").waitFor();
  await inDialog("Remove").click();
  await closed();
  assert.equal(await moon(), undefined);
  assert.deepEqual(complaints, []);
});
