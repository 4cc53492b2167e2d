// Versions of a project: kept, committed, compared, branched, and merged where both sides changed the same.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { command, until, weir } from "../support/weir.mjs";

const { server, page, complaints, at, button, dialog } = await begin(weir);
const { directory } = await server.get("/api/v1/projects/flights");
const file = join(directory, "environments", "thresholds.yaml");
const run = promisify(execFile);
const HISTORY = "/projects/flights?tab=history";
const versions = () => page.getByRole("list", { name: "Versions" });
const status = () => server.get("/api/v1/projects/flights/status");

/** Gives a value of the environment another one, as by another program. */
async function set(name, value) {
  const text = await readFile(file, "utf8");
  assert.match(text, new RegExp(`${name}: \\S+`));
  await writeFile(file, text.replace(new RegExp(`${name}: [^\\s,}]+`), `${name}: ${value}`));
}

async function commit(message) {
  await page.getByRole("textbox", { name: "Message" }).fill(message);
  await button("Commit all").click();
  await page.getByText("Nothing changed", { exact: true }).waitFor();
  await versions().getByText(message.split("\n")[0]).waitFor();
}

test("a project gets versions, and what changed is shown before it is committed", async () => {
  await at(HISTORY);
  await page.getByText("The project has no versions").waitFor();
  await button("Keep versions …").click();
  await dialog().getByRole("button", { name: "Keep versions", exact: true }).click();
  await page.getByRole("list", { name: "Files that changed" }).getByText("project.yaml").waitFor();
  assert.deepEqual(await findings(page), []);
  assert.equal(await button("Commit all").getAttribute("aria-disabled"), "true", "no message yet");
  const discard = button("Discard … what was changed");
  assert.equal(await discard.getAttribute("aria-disabled"), "true", "no version to go back to");
  await commit("As it came");

  await set("LONG", 90);
  await at(HISTORY);
  await page.getByText("spec.values.LONG").waitFor();
  await page.getByText("+ 90").waitFor();
  assert.deepEqual(await findings(page), []);
  await page.getByText("Lines", { exact: true }).click();
  await page.waitForURL("**by=lines");
  await page.getByText("LONG: 90").waitFor();
  assert.deepEqual(await findings(page), []);
  await commit("Call it long later\n\nAs people asked.");
  const { items } = await server.get("/api/v1/projects/flights/versions");
  assert.deepEqual(
    items.map((it) => it.message.trim()),
    ["Call it long later\n\nAs people asked.", "As it came"],
  );
  // A version by itself is compared with the one before it.
  await versions().getByText("Call it long later").click();
  await page.getByText("As people asked.").waitFor();
  await page.getByText("LONG: 90").waitFor();
  assert.deepEqual(await findings(page), []);
  await versions().getByText("As it came").click();
  await page.getByText("It is the first version").waitFor();
  assert.deepEqual(complaints, []);
});

test("who commits what somebody else has moved meanwhile is told so", async () => {
  await at(HISTORY);
  await set("LATE", 16);
  await at(HISTORY);
  await page.getByRole("textbox", { name: "Message" }).fill("Mine");
  const { head } = await status();
  const response = await fetch(`${server.url}/api/v1/projects/flights/versions`, {
    method: "POST",
    headers: { "content-type": "application/json", "if-match": `"${head}"` },
    body: JSON.stringify({ message: "Theirs" }),
  });
  assert.equal(response.status, 200);
  await set("LATE", 17);
  await button("Commit all").click();
  await page.getByText("WEIR-13015").waitFor();
  await versions().getByText("Theirs").waitFor();
  assert.equal((await status()).files.length, 1, "what was changed is still there");
  await commit("Mine after all");
  assert.deepEqual(complaints, []);
});

test("a branch is made and merged; where both changed the same, one decides", async () => {
  await at(HISTORY);
  await button("New … branch").click();
  await dialog().getByRole("textbox", { name: "Name" }).fill("night");
  await dialog().getByRole("button", { name: "Create and switch" }).click();
  await page.getByText("Versions of night").waitFor();
  await set("SEVERE", 200);
  await set("INTERVAL", "9s");
  await at(HISTORY);
  await commit("At night");
  await button("Switch to main").click();
  await dialog().getByRole("button", { name: "Switch", exact: true }).click();
  await page.getByText("Versions of main").waitFor();
  assert.doesNotMatch(await readFile(file, "utf8"), /SEVERE: 200/);
  await set("SEVERE", 240);
  await at(HISTORY);
  await commit("By day");

  await button("Merge … night").click();
  await dialog().getByText("They do not fit together").waitFor();
  const merge = dialog().getByRole("button", { name: "Merge as decided" });
  assert.ok(await merge.isDisabled(), "nothing is decided yet");
  assert.deepEqual(await findings(page), []);
  await dialog().getByRole("radio", { name: "spec.values.SEVERE: another value" }).check();
  await dialog().getByLabel("Value of spec.values.SEVERE").fill("220");
  assert.deepEqual(await findings(page), []);
  await merge.click();
  await dialog().waitFor({ state: "detached" });
  await versions().getByText("merged").first().waitFor();
  const text = await readFile(file, "utf8");
  // What one of them changed alone came along.
  assert.match(text, /SEVERE: 220/);
  assert.match(text, /INTERVAL: 9s/);
  assert.equal((await status()).files.length, 0);

  await button("Rename … night").click();
  await dialog().getByRole("textbox", { name: "Name" }).fill("evening");
  await dialog().getByRole("button", { name: "Rename", exact: true }).click();
  await button("Delete … evening").click();
  await dialog().getByRole("button", { name: "Delete", exact: true }).click();
  await button("Delete … evening").waitFor({ state: "detached" });
  assert.deepEqual(complaints, []);
});

test("what was changed is discarded only by name", async () => {
  await set("SEVERE", 1);
  const fresh = join(directory, "environments", "fresh.yaml");
  await writeFile(fresh, await readFile(file, "utf8"));
  await at(HISTORY);
  await button("Discard … what was changed").click();
  const discard = dialog().getByRole("button", { name: "Discard", exact: true });
  assert.ok(await discard.isDisabled());
  const paths = (what) => dialog().getByText(what).locator("xpath=following-sibling::ul[1]");
  assert.equal(await paths(/^Deleted/).innerText(), "environments/fresh.yaml");
  assert.equal(await paths(/^As in the newest/).innerText(), "environments/thresholds.yaml");
  assert.deepEqual(await findings(page), []);
  await dialog().getByRole("textbox").fill("flights");
  await discard.click();
  await page.getByText("Nothing changed", { exact: true }).waitFor();
  assert.match(await readFile(file, "utf8"), /SEVERE: 220/);
  await assert.rejects(readFile(fresh), { code: "ENOENT" });
  assert.deepEqual(complaints, []);
});

test("a remote that can't be reached says so, and stays", async () => {
  await command(server.url, "POST", "/api/v1/projects/flights/remotes", {
    name: "origin",
    address: "http://127.0.0.1:1/flights",
  });
  await at(HISTORY);
  await button("Fetch origin").click();
  await page.getByText("WEIR-13034").waitFor();
  assert.deepEqual(await findings(page), []);
  await button("Forget … origin").click();
  await dialog().getByRole("button", { name: "Forget", exact: true }).click();
  await page.getByText("There is no remote").waitFor();
  assert.deepEqual(complaints, []);
});

test("older versions come where one goes on scrolling", async () => {
  const git = (...words) =>
    run("git", ["-C", directory, "-c", "user.name=a", "-c", "user.email=a@b", ...words]);
  // One tree, 450 times: quickly made, and each a version.
  let [parent, tree] = [
    (await git("rev-parse", "HEAD")).stdout.trim(),
    (await git("rev-parse", "HEAD^{tree}")).stdout.trim(),
  ];
  for (let it = 0; it < 450; it++)
    parent = (await git("commit-tree", tree, "-p", parent, "-m", `step ${it}`)).stdout.trim();
  await git("update-ref", "HEAD", parent);
  await at(HISTORY);
  await versions().getByText("step 449").waitFor();
  const count = () => versions().getByRole("listitem").count();
  assert.ok((await count()) < 300, "the newest page alone");
  // A page that is refused is asked for once, and then by a press.
  const older = /versions\?.*cursor=/;
  let refused = 0;
  await page.route(older, (it) => {
    refused += 1;
    return it.fulfill({
      status: 403,
      contentType: "application/problem+json",
      body: JSON.stringify({
        status: 403,
        code: "auth.forbidden",
        title: "No",
        detail: "Not you.",
      }),
    });
  });
  await versions().evaluate((it) => it.scrollTo(0, it.scrollHeight));
  await page.getByText("Not you.").waitFor();
  await versions().evaluate((it) => it.scrollTo(0, 0));
  await versions().evaluate((it) => it.scrollTo(0, it.scrollHeight));
  await button("Older versions").click();
  await until("it is refused again", () => refused === 2);
  await page.unroute(older);
  await button("Older versions").click();
  await until("the first of them is there", async () => {
    await versions().evaluate((it) => it.scrollTo(0, it.scrollHeight));
    return (await count()) > 450;
  });
  await versions().getByText("step 0", { exact: true }).waitFor();
});
