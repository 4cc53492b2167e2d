// Alarms as a page tells them, whatever there is of them: of days, of hundreds, of what can't be judged, and without the
// right to confirm them or to see them. The server is made up; `alarms.test.mjs` has a real one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { alarm, ended } from "../support/alarms.mjs";
import { begin } from "../support/begin.mjs";
import { findings, open } from "../support/browser.mjs";
import { beyond } from "../support/narrow.mjs";
import { synthetic } from "../support/synthetic.mjs";
import { until } from "../support/weir.mjs";

const ENDED = 250;
const { server, chrome, page, complaints, at, button, dialog, inDialog, closed } =
  await begin(synthetic);
const book = server.alarms;
const workflow = (name) => ({ kind: "workflow", name });
const confirmation = { by: "grace", at: new Date().toISOString(), note: "the disk is on its way" };

/** What stands: bad and less bad, seen by somebody or by nobody, and one that nobody can judge. */
const STANDING = [
  alarm(1001, { severity: "info", kind: "node-drained", message: "node-2 is drained" }),
  alarm(1002, {
    confirmation,
    kind: "workflow-fault",
    subject: workflow("large"),
    message: "large can't open its database: no route to 10.0.0.9",
    count: 3,
    lastAt: new Date().toISOString(),
  }),
  alarm(1003, {
    severity: "warning",
    kind: "dead-letters",
    subject: workflow("large"),
    message: "large has dead letters that nothing has become of: 12",
  }),
  alarm(1004, { unknownSince: new Date().toISOString() }),
];
const fill = () => {
  book.all = [...ended(ENDED, { confirmation }), ...structuredClone(STANDING)];
  book.unjudged = [{ what: "workflows", why: "no answer from node-3" }];
};
fill();

const table = (name, of = page) => of.getByRole("region", { name, exact: true }).getByRole("table");
const rows = (name, of = page) => table(name, of).locator("tbody tr[aria-rowindex]");
const badge = (of = page) => of.getByRole("link", { name: /^Alarms/ }).first();

test("what stands comes worst first, and what nobody has confirmed before what somebody has", async () => {
  await at("/alarms");
  await rows("Standing alarms").nth(3).waitFor();
  const told = await rows("Standing alarms").allInnerTexts();
  const expected = [/can’t be judged since/, /no route to 10.0.0.9/, /dead letters/, /is drained/];
  for (const [at, it] of expected.entries()) assert.match(told[at], it);
  assert.match(told[1], /grace, .*: the disk is on its way/);
  await page.getByText("2 errors, 1 warning, 1 note; 3 unconfirmed").waitFor();
  const status = page.getByRole("status").filter({ hasText: "Not all can be judged now" });
  await status.getByText("workflows: no answer from node-3").waitFor();
  assert.match(await badge().innerText(), /3\s*unconfirmed: 1 error, 1 warning, 1 note/);
});

test("filters stand in the address, and in the command", async () => {
  await at("/alarms");
  await page.getByRole("combobox", { name: "How bad" }).click();
  await page.getByRole("option", { name: "errors", exact: true }).click();
  await page.getByRole("combobox", { name: "State" }).click();
  await page.getByRole("option", { name: "standing" }).click();
  await page.waitForURL(/severity=error&|severity=error$/);
  await page.waitForURL("**state=standing**");
  await until("errors are left", async () => (await rows("Standing alarms").count()) === 2);
  await page.getByRole("region", { name: "Ended", exact: true }).waitFor({ state: "detached" });
  await button("Copy as command: weir alarm list --state standing --severity error").waitFor();
  const filter = page.getByRole("textbox", { name: "Filter" });
  await filter.fill("grace");
  await page.waitForURL("**filter=grace**");
  await until("one is left", async () => (await rows("Standing alarms").count()) === 1);
  await filter.fill("grace moon");
  await page.getByText("No alarm has that").waitFor();
  await page.reload();
  await page.getByText("No alarm has that").waitFor();
});

test("what has ended is read by pages", async () => {
  await at("/alarms?state=ended");
  await page.getByText("100 alarms, and older ones").waitFor();
  const [first] = await rows("Ended alarms").allInnerTexts();
  assert.match(first, /1 min 30 s/, "how long it lasted");
  await button("Older alarms").click();
  await page.getByText("200 alarms, and older ones").waitFor();
  // By the keyboard: whoever goes to the end reads on.
  await page.getByRole("region", { name: "Ended alarms" }).press("End");
  await page.getByText(`${ENDED} alarms`, { exact: true }).waitFor();
  assert.deepEqual(await findings(page), []);
});

test("an alarm has an address, and says all that is known of it", async () => {
  await at("/alarms");
  const standing = page.getByRole("region", { name: "Standing alarms" });
  await rows("Standing alarms").nth(3).waitFor();
  await standing.focus();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/alarms/1002");
  const main = page.getByRole("main");
  for (const it of ["raised 3 times", "grace", "the disk is on its way", "workflow-fault"])
    await main.getByText(it, { exact: true }).waitFor();
  await button("Copy as command: weir alarm show 1002").waitFor();
  assert.equal(await button("Confirm …").getAttribute("aria-disabled"), "true");
  await main.getByRole("link", { name: "workflow large", exact: true }).click();
  await page.waitForURL("**/workflows/large");
  await at("/alarms/1004");
  await main.getByText(/It can’t be judged since/).waitFor();
  await main.getByRole("link", { name: "All alarms of node-2" }).click();
  await page.waitForURL("**/alarms?subject=node-2");
  await until("they are its own", async () => (await rows("Standing alarms").count()) === 2);
  await button("Of node-2 ✕").click();
  await page.waitForURL(/\/alarms$/);
  await at("/alarms/77777");
  await main.getByText("There is no alarm 77777.").waitFor();
});

test("one is confirmed with a note, by the keyboard alone, and another window shows it", async () => {
  fill();
  const other = await open(chrome, "light");
  await other.page.goto(`${server.url}/alarms/1004`);
  await other.page.getByText("nobody", { exact: true }).waitFor();
  await at("/alarms/1004");
  await button("Confirm …").press("Enter");
  await dialog().getByText("It mends nothing").waitFor();
  assert.deepEqual(await findings(page), []);
  await page.keyboard.type("I look; it's node-2");
  const quoted = String.raw`Copy as command: weir alarm confirm 1004 '--note=I look; it'\''s node-2'`;
  await inDialog(quoted).waitFor();
  await page.keyboard.press("Enter");
  await closed();
  for (const it of [page, other.page]) {
    await it.getByText("ada", { exact: true }).last().waitFor();
    await it.getByText("I look; it's node-2", { exact: true }).waitFor();
  }
  assert.deepEqual(other.complaints, []);
  await other.close();
});

test("chosen ones are confirmed together, and all by one command", async () => {
  fill();
  await at("/alarms?state=standing");
  for (const it of ["node-2 is drained", "large can't open", "large has dead letters"])
    await page.getByLabel(`Choose ${it}`).check();
  await page.getByText("3 alarms chosen, 2 unconfirmed").waitFor();
  await button("Confirm chosen …").click();
  await inDialog("Copy as command: weir alarm confirm 1003 1001").waitFor();
  await inDialog("Confirm").click();
  await closed();
  assert.equal(await page.getByText(/alarms? chosen/).count(), 0);
  await page.getByText("2 errors, 1 warning, 1 note; 1 unconfirmed").waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("confirm all");
  await page.keyboard.press("Enter");
  await page.waitForURL("**confirm=all**");
  await dialog().getByText("1 alarm", { exact: true }).waitFor();
  await inDialog("Copy as command: weir alarm confirm --all").waitFor();
  await inDialog("Confirm").click();
  await closed();
  await page.waitForURL((it) => !it.search.includes("confirm"));
  await page.getByText("2 errors, 1 warning, 1 note; all confirmed").waitFor();
  assert.equal(await button("Confirm all …").getAttribute("aria-disabled"), "true");
  assert.equal((await badge().innerText()).trim(), "Alarms");
});

test("to confirm one leaves what was chosen as it is", async () => {
  fill();
  await at("/alarms?state=standing");
  await page.getByLabel("Choose node-2 is drained").check();
  await page.getByLabel("Choose large has dead letters").check();
  const one = rows("Standing alarms").filter({ hasText: "dead letters" });
  await one.getByRole("button", { name: /^Confirm …/ }).click();
  await inDialog("Confirm").click();
  await closed();
  await page.getByText("1 alarm chosen").waitFor();
  assert.ok(await page.getByLabel("Choose node-2 is drained").isChecked());
});

test("of more than are followed, what a filter asks for is found all the same", async () => {
  const many = Array.from({ length: 520 }, (_, it) =>
    alarm(2_000 + it, { subject: workflow(`w${it}`), message: `w${it} fails` }),
  );
  book.all = [...many, ...structuredClone(STANDING)];
  book.unjudged = [];
  await at("/alarms?state=standing&severity=info");
  await rows("Standing alarms").getByText("is drained").waitFor();
  await page.getByText("; the worst 500 are shown").waitFor();
  await at("/alarms?state=standing&subject=large");
  await until("both are there", async () => (await rows("Standing alarms").count()) === 2);
  // A text is looked for in what is there alone.
  await at("/alarms?state=standing&filter=drained");
  await page.getByText("None of the worst 500 has that").waitFor();
  await at("/alarms?state=standing&severity=error&filter=moon");
  await page.getByText("None of those read so far has that").waitFor();
  const [more, none] = [button("More that stand"), page.getByText("No alarm has that")];
  await until("all that stand are read", async () => {
    if (await none.isVisible()) return true;
    await more.click({ timeout: 1_000 });
    return false;
  });
  assert.deepEqual(complaints, []);
});

test("the overview tells each trouble once, and who has seen it", async () => {
  fill();
  await at("/");
  await page.getByText(/^▲ Impaired: node-2 can't be reached, says node-1, and 1 more/).waitFor();
  const problems = page.getByRole("region", { name: "Problems, worst first" });
  const fault = problems.getByRole("listitem").filter({ hasText: "no route" });
  await fault.getByText(/Confirmed by grace, .*: the disk is on its way/).waitFor();
  // The page sees it by itself, too.
  server.say("node-2", { unreachable: true });
  await page.getByText("1/2").first().waitFor();
  assert.equal(await problems.getByText("can't be reached").count(), 1);
  server.say("node-2", {});
  await fault.getByRole("link", { name: "large", exact: true }).click();
  await page.waitForURL("**/alarms/1002");
});

test("what ends moves to what has ended, in a page that stands open", async () => {
  fill();
  book.unjudged = [];
  await at("/alarms");
  await rows("Standing alarms").nth(3).waitFor();
  book.clear("1004");
  await rows("Ended alarms").first().getByText("node-2").first().waitFor();
  await until("it stands no more", async () => (await rows("Standing alarms").count()) === 3);
  const first = rows("Ended alarms").first();
  await until("it is the newest", async () =>
    /Confirm …/.test(await first.getByRole("button").first().innerText()),
  );
  for (const it of ["1001", "1002", "1003"]) book.clear(it);
  await page.getByText("No alarm stands").waitFor();
});

test("nothing is said to be well before the controller has looked, nor while it can't", async () => {
  book.all = [];
  book.lookedAt = undefined;
  await at("/alarms");
  await page.getByText("None is known yet").waitFor();
  await page.getByText("No alarm has ended yet").waitFor();
  book.lookedAt = new Date().toISOString();
  book.unjudged = [{ what: "members", why: "the list of members was not read yet" }];
  await page.getByText("No alarm is known", { exact: true }).waitFor();
  book.unjudged = [];
  await page.getByText("No alarm stands").waitFor();
});

test("while alarms can't be asked for, those that were shown stay, and it goes on by itself", async () => {
  fill();
  await at("/alarms");
  await rows("Standing alarms").nth(3).waitFor();
  book.problem = {
    type: "about:blank",
    title: "Not there",
    status: 503,
    code: "WEIR-07008",
    detail: "The database gives no answer.",
  };
  const alert = page.getByRole("alert").filter({ hasText: "The database gives no answer." });
  await alert.waitFor();
  assert.equal(await rows("Standing alarms").count(), 4);
  await page.reload();
  await alert.waitFor();
  await until("all that was asked for was answered", async () => {
    const loading = await page.getByText("Loading", { exact: true }).count();
    return loading === 0;
  });
  assert.equal(await alert.count(), 1, "it is told once");
  await page.goto(`${server.url}/alarms?state=ended`);
  await alert.waitFor();
  await page.goto(`${server.url}/alarms`);
  await alert.waitFor();
  book.problem = undefined;
  await rows("Standing alarms").nth(3).waitFor();
  await page.getByText("100 alarms, and older ones").waitFor();
  assert.equal(await alert.count(), 0);
});

test("in a narrow window and in both schemes nothing is out of reach", async () => {
  fill();
  for (const scheme of ["dark", "light"]) {
    const { page, complaints, close } = await open(chrome, scheme, { width: 320, height: 700 });
    for (const path of ["/alarms", "/alarms/1002", "/alarms?confirm=all", "/"]) {
      await page.goto(server.url + path);
      await page.getByText("no route to 10.0.0.9").first().waitFor();
      assert.deepEqual(await beyond(page), [], path);
      assert.deepEqual(await findings(page), [], path);
    }
    assert.deepEqual(complaints, []);
    await close();
  }
});

/** What somebody sees who has not the claim. */
async function seenWithout(t, claim) {
  const less = await synthetic({ without: [claim] });
  t.after(() => less.stop());
  less.alarms.all = structuredClone(STANDING);
  const it = await open(chrome);
  t.after(() => it.close());
  await it.page.goto(`${less.url}/alarms`);
  return it.page;
}

test("who may not confirm is told which claim that needs", async (t) => {
  const page = await seenWithout(t, "alarm:confirm");
  await rows("Standing alarms", page).nth(3).waitFor();
  const all = await page.getByRole("button", { name: /^Confirm (all )?…/ }).all();
  assert.ok(all.length >= 4);
  for (const it of all) assert.equal(await it.getAttribute("aria-disabled"), "true");
  await all[0].focus();
  await page.getByRole("tooltip").getByText("Needs the claim alarm:confirm").waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("confirm all");
  await page.getByText("Nothing is called so.").waitFor();
});

test("who may not see alarms is told so once", async (t) => {
  const page = await seenWithout(t, "alarm:read");
  await page.getByText("You need the claim alarm:read to see this").waitFor();
  assert.equal(await page.getByRole("alert").count(), 1);
  assert.equal(await page.getByText("No alarm", { exact: false }).count(), 0);
  assert.deepEqual(await findings(page), []);
});

test("the browser had nothing to complain of", () => {
  assert.deepEqual(complaints, []);
});
