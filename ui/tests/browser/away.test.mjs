// A server that is away while somebody goes on: the page stays, and what could not be read comes with the server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { weir } from "../support/weir.mjs";

const { page, at } = await begin(weir);
const ASSET = "/projects/flights/assets/formats/flights-csv.yaml";

test("a view that was not read yet comes when the server does, and what was typed is there", async () => {
  await at(ASSET);
  await page.getByRole("textbox", { name: "description" }).fill("typed before it went away");
  await page.getByText("● unsaved").waitFor();
  await page.context().setOffline(true);
  await page.getByRole("link", { name: "Keys", exact: true }).click();
  await page.getByText("The server did not answer").first().waitFor();
  assert.equal(new URL(page.url()).pathname, "/keys");
  await page.getByRole("link", { name: "Projects", exact: true }).waitFor();
  await page.context().setOffline(false);
  await page.getByRole("heading", { level: 1, name: "Keys" }).waitFor();
  await page.goBack();
  await page.getByText("● unsaved").waitFor();
  const typed = await page.getByRole("textbox", { name: "description" }).inputValue();
  assert.equal(typed, "typed before it went away");
});
