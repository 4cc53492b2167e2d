// What one types beside what somebody else saves: nothing is lost, nothing comes back, and whose it is is chosen.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { until, weir } from "../support/weir.mjs";

const { server, page, complaints, at, button, dialog, inDialog } = await begin(weir);
const path = "sources/flight-files.yaml";
const asset = `/api/v1/projects/flights/assets/${encodeURIComponent(path)}`;
const glob = (of = page) => of.getByRole("textbox", { name: /^glob/ });
const isSaved = (of = page) => of.getByText("saved", { exact: true }).waitFor();
const changed = page.getByText("Somebody else saved another version of it");
/** Somebody else saves another value. */
const others = async (value) => {
  const { text, etag } = await server.get(asset);
  const answer = await fetch(server.url + asset, {
    method: "PUT",
    headers: { "content-type": "application/json", "if-match": `"${etag}"` },
    body: JSON.stringify({ text: text.replace(/glob: .*/, `glob: "${value}"`) }),
  });
  assert.equal(answer.status, 200);
};
const comeBack = () => page.evaluate(() => window.dispatchEvent(new Event("focus")));
const isTyped = (of, value) => until(value, async () => (await glob(of).inputValue()) === value);
const type = async (value) => {
  await glob().fill(value);
  await glob().blur();
  await page.getByText("● unsaved").waitFor();
};

test("a page with nothing unsaved takes what somebody else saved", async () => {
  await at(`/projects/flights/assets/${path}`);
  await isSaved();
  await others("one*");
  await comeBack();
  await isTyped(page, "one*");
  await isSaved();
  assert.match((await glob().getAttribute("aria-describedby")) ?? "", /-note$/);
});

test("what is discarded does not come back, whatever was saved meanwhile", async () => {
  await type("mine*");
  await others("two*");
  await comeBack();
  await changed.waitFor();
  assert.equal(await glob().inputValue(), "mine*");
  assert.deepEqual(await findings(page), []);
  await page.reload();
  await page.getByText("What you had typed and not saved is here again").waitFor();
  await changed.waitFor();
  await button("Discard").click();
  await isTyped(page, "two*");
  await isSaved();
  await page.reload();
  await isTyped(page, "two*");
  await isSaved();
  assert.equal(await page.getByText("is here again").count(), 0);
  // One step back over it is a change of the older text again: it is not saved over theirs unasked.
  await type("mine*");
  await others("three*");
  await comeBack();
  await changed.waitFor();
  await button("Discard").click();
  await isTyped(page, "three*");
  await button("Undo").click();
  await isTyped(page, "mine*");
  await changed.waitFor();
  await button("Discard").click();
  await isSaved();
});

test("whose a field is to be is chosen by nobody beforehand, and the button says what is dropped", async () => {
  await type("mine*");
  await others("four*");
  await comeBack();
  await button("Look at both").click();
  await dialog().getByText("Both of you changed 1 field").waitFor();
  assert.equal(await dialog().getByRole("radio", { checked: true }).count(), 0);
  assert.equal(await inDialog("Save what is chosen").isDisabled(), true);
  assert.deepEqual(await findings(page), []);
  await dialog()
    .getByRole("radio", { name: /: yours$/ })
    .check();
  await dialog()
    .getByText(/^This drops their change: .*glob was changed/)
    .waitFor();
  await inDialog("Save, and drop theirs").click();
  await isSaved();
  assert.match((await server.get(asset)).text, /mine\*/);
});

test("tabs of one browser tell each other what was saved", async () => {
  const beside = await page.context().newPage();
  await beside.goto(page.url());
  await isTyped(beside, "mine*");
  await glob(beside).fill("five*");
  await glob(beside).blur();
  await beside.getByRole("button", { name: "Save", exact: true }).click();
  await isSaved(beside);
  await isTyped(page, "five*");
  await beside.close();
  assert.deepEqual(complaints, []);
});
