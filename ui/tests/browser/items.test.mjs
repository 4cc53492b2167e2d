// An item of a source at an address of its own: what it is, what happened to it, and its reset.
import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { filled } from "../support/filled.mjs";
import { until } from "../support/weir.mjs";

const { server, page, complaints, at, button, dialog, closed } = await begin(filled);
const SOURCE = "flights/read";
const { items } = await server.get(`/api/v1/items?source=${SOURCE}`);
const [item] = items;
const history = () => page.getByRole("list", { name: `History of ${item.name}` });

test("an item opens with what became of it, and leads to the stream that read it", async () => {
  await at(`/access?source=${SOURCE}`);
  await page.getByRole("link", { name: item.name, exact: true }).click();
  await page.waitForURL(/item=/);
  await page.getByRole("region", { name: item.name }).getByText("done").waitFor();
  await history()
    .getByText(/\d+ in, [\d,]+ out/)
    .first()
    .waitFor();
  assert.deepEqual(await findings(page), []);
  // What one reads of the stream is the same as is told here.
  await history().getByRole("link", { name: item.stream }).click();
  await page.waitForURL(`**/streams/${item.stream}`);
  await page.goBack();
  await page.getByRole("link", { name: `All items of ${SOURCE}` }).click();
  await page.getByRole("link", { name: item.name, exact: true }).waitFor();
});

test("the list goes along with what was reset, until it has ended", async () => {
  const [, other] = items;
  const { dir } = server;
  await at(`/access?source=${SOURCE}`);
  const row = page.getByRole("row").filter({ hasText: other.name });
  const of = () => row.getByRole("link", { name: "Stream" }).getAttribute("href");
  const before = await of();
  await row.getByRole("checkbox").check();
  await button("Reset chosen (1) …").click();
  await dialog().getByRole("button", { name: "Reset 1 item" }).click();
  await closed();
  await row.waitFor({ state: "detached" });
  await copyFile(join(dir, "flights/done", other.name), join(dir, "flights/in", other.name));
  await until("it is read again", async () => {
    const [now] = (await server.get(`/api/v1/items?source=${SOURCE}&pattern=${other.name}`)).items;
    return now?.stream && !before.endsWith(now.stream) && ["done", "failed"].includes(now.status);
  });
  // Nobody presses Refresh.
  await row.getByText(/(done|failed)$/).waitFor();
  assert.notEqual(await of(), before);
});

test("one that was reset and forgotten still has its history, with who reset it", async () => {
  await at(`/access?source=${SOURCE}&item=${encodeURIComponent(item.name)}`);
  await button(`Reset … ${item.name}`).click();
  await dialog().getByText("1 item", { exact: true }).waitFor();
  await dialog().getByRole("button", { name: "Reset 1 item" }).click();
  await closed();
  await until("the reset is told", async () => {
    await button("Refresh").click();
    return (await history().getByText("Reset by").count()) > 0;
  });
  // The newest first; the file was moved away, and so it is not read again.
  const [first, second] = await history().getByRole("listitem").all();
  await first.getByText("Reset by").waitFor();
  await second.getByRole("link", { name: item.stream }).waitFor();
  await page.getByText("The source knows nothing of it now").waitFor();
  await button(`Reset … ${item.name}`).hover();
  await page.getByText("It is not known: it is read when it is found").waitFor();
  await first.getByRole("link").click();
  await page.waitForURL(/\/audit\?who=/);
  await page.getByRole("row").filter({ hasText: "item reset" }).first().waitFor();
  assert.deepEqual(complaints, []);
});
