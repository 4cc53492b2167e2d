// What differs from one place to another: typed as a draft, saved at once, and which secrets each place lacks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { until, weir } from "../support/weir.mjs";

const { server, page, complaints, at, button, dialog, inDialog } = await begin(weir);
const path = "environments/thresholds.yaml";
const asset = (of) => `/api/v1/projects/flights/assets/${encodeURIComponent(of)}`;
const text = async (of) => (await server.get(asset(of))).text;
const put = (of, text, header = { "if-none-match": "*" }) =>
  fetch(server.url + asset(of), {
    method: "PUT",
    headers: { "content-type": "application/json", ...header },
    body: JSON.stringify({ text }),
  });
/** Somebody else writes the environment. */
const others = async (change) => {
  const { text, etag } = await server.get(asset(path));
  await put(path, change(text), { "if-match": `"${etag}"` });
};
const cell = (name) => page.getByRole("textbox", { name: `${name} in thresholds` });

test("what is typed into the matrix is a draft until it is saved", async () => {
  const before = await text(path);
  await at("/projects/flights?tab=environments");
  await cell("LATE").fill("abc");
  await page.keyboard.press("Tab");
  await page.getByText("◆ 1 value not saved").waitFor();
  assert.deepEqual(await findings(page), []);
  assert.equal(await text(path), before);
  await page.reload();
  await page.getByText("◆ 1 value not saved").waitFor();
  assert.equal(await cell("LATE").inputValue(), "abc");
  // Somebody else writes something else meanwhile: both stay.
  await others((it) => `${it}# seen\n`);
  await cell("LATE").fill("21");
  await button("Save values").click();
  await page.getByText("◆ 1 value not saved").waitFor({ state: "detached" });
  assert.match(await text(path), /LATE: 21[\s\S]*# seen/);
});

test("what somebody else wrote into the same cell is shown beside what was typed, and chosen", async () => {
  await cell("LATE").fill("22");
  await others((it) => it.replace(/LATE: .*/, "LATE: 16"));
  await button("Save values").click();
  await page.getByText("Somebody else wrote 16 meanwhile").waitFor();
  assert.equal(await cell("LATE").inputValue(), "22");
  assert.deepEqual(await findings(page), []);
  // It is not saved over theirs by a second press, nor by a key.
  assert.equal(await button("Save values").getAttribute("aria-disabled"), "true");
  const sent = [];
  const note = (it) => it.method() !== "GET" && sent.push(`${it.method()} ${it.url()}`);
  page.on("request", note);
  await cell("LATE").press("Enter");
  await button("Take theirs for LATE in thresholds").click();
  assert.equal(await cell("LATE").inputValue(), "16");
  page.off("request", note);
  assert.deepEqual(sent, []);
  assert.match(await text(path), /LATE: 16/);
  await cell("LATE").fill("23");
  await others((it) => it.replace(/LATE: .*/, "LATE: 17"));
  await button("Save values").click();
  await button("Keep mine for LATE in thresholds").click();
  await button("Save values").click();
  await page.getByText("◆ 1 value not saved").waitFor({ state: "detached" });
  assert.match(await text(path), /LATE: 23/);
});

test("what is typed while a save is on its way is still to save", async () => {
  const put = (it) => it.pathname.includes("/assets/") && it.pathname.includes("thresholds");
  let release;
  const held = new Promise((done) => {
    release = done;
  });
  await page.route(put, async (route) => {
    if (route.request().method() === "PUT") await held;
    await route.continue();
  });
  await cell("LATE").fill("24");
  await button("Save values").click();
  await cell("LATE").fill("25");
  release();
  await until("what was sent is written", async () => /LATE: 24/.test(await text(path)));
  await until("nothing is on its way", () => button("Discard values").isEnabled());
  assert.equal(await cell("LATE").inputValue(), "25");
  await page.getByText("◆ 1 value not saved").waitFor();
  await page.unroute(put);
  await button("Save values").click();
  await page.getByText("◆ 1 value not saved").waitFor({ state: "detached" });
  assert.match(await text(path), /LATE: 25/);
});

test("each environment says which secret it lacks, and one that is not used is used by a press", async () => {
  await put(
    "environments/there.yaml",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the project puts it in
    "apiVersion: weir/v1\nkind: Environment\nmetadata: { name: there }\nspec: { values: { TOKEN: '${sec:API}' } }\n",
  );
  await at("/projects/flights?tab=environments");
  const row = page
    .getByRole("table", { name: "Secrets by environment" })
    .getByRole("row", { name: /^API/ });
  await row.getByText("▲ lacks it").waitFor();
  assert.equal(await row.getByText("not needed").count(), 1);
  await row.getByRole("link", { name: "environments/there.yaml" }).waitFor();
  assert.deepEqual(await findings(page), []);
  await button("Use it there").click();
  await button("Use it there").waitFor({ state: "detached" });
  assert.match(await text("project.yaml"), /there/);
  // With an error in the project, it is said here, and what the project is for is said all the same.
  await cell("LATE").fill("abc");
  await page.keyboard.press("Enter");
  await page.getByText("◆ 1 value not saved").waitFor({ state: "detached" });
  await page.getByText(/Real delays of flights/).waitFor();
  await page.getByRole("link", { name: /^(To the problems|All \d+ errors)$/ }).waitFor();
  assert.deepEqual(await findings(page), []);
});

test("secrets that the project does not use say so before one is set, and are used by a press", async () => {
  await put(
    "secrets/elsewhere.yaml",
    "apiVersion: weir/v1\nkind: Secret\nmetadata: { name: elsewhere }\nspec: { values: {} }\n",
  );
  await at("/projects/flights?tab=assets&asset=secrets/elsewhere.yaml");
  await page.getByText("So the project does not use its values").waitFor();
  await page.getByRole("link", { name: "use it", exact: true }).click();
  await button("Set … a secret").click();
  const asset = dialog().getByRole("combobox", { name: "Asset" });
  if (!/elsewhere/.test(await asset.inputValue())) {
    await asset.click();
    await page.getByRole("option", { name: /^elsewhere/ }).click();
  }
  await dialog()
    .getByText(/The project does not use elsewhere/)
    .waitFor();
  assert.deepEqual(await findings(page), []);
  await inDialog("Cancel").click();
  await button("Use it elsewhere").click();
  await button("Use it elsewhere").waitFor({ state: "detached" });
  assert.match(await text("project.yaml"), /secrets:[\s\S]*elsewhere/);
  await button("Set … a secret").click();
  await dialog().getByRole("textbox", { name: "Name" }).fill("TOKEN");
  assert.equal(await dialog().getByText("does not use").count(), 0);
  await inDialog("Cancel").click();
});

test("a refusal of one name goes where another one is typed", async () => {
  await at("/projects/flights?tab=assets");
  await button("New … asset").click();
  const name = dialog().getByRole("textbox", { name: "Name" });
  await name.fill("CON");
  await inDialog("Create").click();
  await dialog().getByRole("alert").waitFor();
  await name.fill("fine");
  await dialog().getByRole("alert").waitFor({ state: "detached" });
  assert.deepEqual(complaints, []);
});
