// A sample is tried where a workflow is drawn: by mouse, by the keyboard, with what fails, and with what is not
// saved; and it is written nowhere.
import assert from "node:assert/strict";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { begin } from "../support/begin.mjs";
import { findings, open } from "../support/browser.mjs";
import { weir } from "../support/weir.mjs";

const CSV = `date,delay,distance,origin,destination
2001/01/01 00:47,66,1750,DTW,LAS
2001/01/01 01:24,-5,407,LAS,OAK
2001/01/02 11:00,205,2399,HNL,SFO
x,y,z
not a date,1,2,AAA,BBB
`;
const SCRIPTED = `apiVersion: weir/v1
kind: Workflow
metadata: { name: scripted }
spec:
  stages:
    - name: read
      source: flight-files
    - name: halve
      from: read
      processor:
        javascript:
          script: |
            export function onMessage(row) {
              if (row.delay < 0) return [copy(row), copy(row)];
              if (row.delay > 200) return row.nothing.there;
              row.delay = row.delay * 10;
              return row;
            }
    - name: write
      from: halve
      sink: { file: { directory: out/scripted, name: "\${item}.jsonl", format: json-lines } }
`;
const MADE = `apiVersion: weir/v1
kind: Workflow
metadata: { name: made }
spec:
  stages:
    - name: read
      source: { generator: { rate: 5, fields: [{ name: id, make: sequence }] } }
    - name: other
      source: { generator: { rate: 5, fields: [{ name: id, make: sequence }] } }
    - name: write
      from: [read, other]
      sink: { devNull: {} }
`;
let directory;
/** Beside the sample's, there are two workflows that are tried. */
async function workflows(server) {
  ({ directory } = await server.get("/api/v1/projects/flights"));
  await writeFile(join(directory, "workflows", "scripted.yaml"), SCRIPTED);
  await writeFile(join(directory, "workflows", "made.yaml"), MADE);
}
const { server, chrome, page, complaints, at, button } = await begin(weir, { more: workflows });

const FLIGHTS = "/projects/flights/assets/workflows/flights.yaml";
const dock = () => page.getByRole("region", { name: "Try it" });
const sample = () => dock().getByRole("textbox", { name: "Sample of read" });
const stage = (name) => page.locator(`.react-flow__node[data-id="${name}"]`);
const edge = (from, port, to) => page.getByLabel(`Edge from ${from}, port ${port}, to ${to},`);
const records = (name) => dock().getByRole("list", { name: `Records at ${name}` });
const says = (words) => dock().getByRole("status").getByText(words).waitFor();

test("a pasted sample shows what each stage made of which record", async () => {
  await at(FLIGHTS);
  await button("Try it …").click();
  await dock().getByText("Nothing was tried yet").waitFor();
  await sample().fill(CSV);
  await button("Try it on the sample").click();
  await says("It would be committed, but 2 records failed");
  // Edges and stages say what went by.
  await edge("read", "out", "derive").waitFor();
  assert.match(await edge("read", "out", "derive").getAttribute("aria-label"), /, 4 records$/);
  assert.match(await edge("route", "severe", "severe").getAttribute("aria-label"), /, 1 record$/);
  await stage("derive").getByText("1 failed").waitFor();
  await records("read").getByText("it has 3 columns where 5 are expected").waitFor();
  await records("read").getByText("x,y,z").waitFor();
  // The stage that is chosen on the canvas is the one that is shown.
  await stage("derive").click();
  const first = records("derive").getByRole("listitem").first();
  await first.getByRole("row", { name: /distanceKm new – 2816.4/ }).waitFor();
  await first.getByRole("row", { name: /distance gone 1750 –/ }).waitFor();
  assert.equal(await first.getByRole("row", { name: /^origin/ }).count(), 0);
  await dock().getByLabel("Fields that are the same, too").check();
  await first.getByRole("row", { name: /origin "DTW" "DTW"/ }).waitFor();
  await dock()
    .getByRole("button", { name: /^severe/ })
    .click();
  await dock().getByText('"delayClass":"severe"').waitFor();
  assert.ok(await stage("severe").locator("[data-selected]").count());
  assert.deepEqual(complaints, []);
});

test("what was tried is kept as a test, with what came out of it, and passes", async () => {
  await at(`${FLIGHTS}?trial=open`);
  await sample().fill(CSV);
  await button("Try it on the sample").click();
  await says("It would be committed, but 2 records failed");
  await button("Keep as a test …").click();
  const dialog = page.getByRole("dialog");
  assert.equal(await dialog.getByRole("textbox", { name: "Name" }).inputValue(), "flights-2");
  await dialog.getByRole("textbox", { name: "What it shows" }).fill("as it was tried");
  assert.deepEqual(await findings(page), []);
  await dialog.getByRole("button", { name: "Keep", exact: true }).click();
  await page.getByRole("link", { name: "Kept as tests/flights-2.yaml" }).click();
  await page.waitForURL("**/assets/tests/flights-2.yaml");
  await page.getByText("saved", { exact: true }).waitFor();
  // What is too much to be shown is too much to be kept.
  const many = [CSV.split("\n")[0], ...Array(60).fill("2001/01/01 00:47,66,1750,DTW,LAS")];
  await at(`${FLIGHTS}?trial=open`);
  await sample().fill(many.join("\n"));
  await button("Try it on the sample").click();
  await says("All of it would be committed");
  await button("Keep as a test …").hover();
  await page.getByText(/^Not all records at \w+ are shown/).waitFor();
  await at("/projects/flights?tab=tests");
  await page.getByLabel("Cases").first().fill("flights-2/");
  await button("Run these").click();
  await page.getByText(/^It passed\./).waitFor();
  assert.deepEqual(complaints, []);
});

test("a new test begins with a case of a workflow, in the form", async () => {
  await at("/projects/flights?tab=assets");
  await button("New … asset").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: "What" }).click();
  await page.getByRole("option", { name: "Test", exact: true }).click();
  await dialog.getByRole("textbox", { name: "Name" }).fill("fresh");
  await dialog.getByRole("combobox", { name: "Workflow" }).click();
  await page.getByRole("option", { name: "scripted", exact: true }).click();
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await page.waitForURL("**/assets/tests/fresh.yaml");
  await page.getByRole("group", { name: "input" }).waitFor();
  await page.getByRole("group", { name: "expect" }).getByLabel("count").waitFor();
  await page.getByText("no problems").first().waitFor();
  assert.deepEqual(await findings(page), []);
  const workflow = page.getByRole("combobox", { name: /^workflow/ });
  assert.equal(await workflow.inputValue(), "scripted");
  await workflow.click();
  await page.getByRole("option", { name: "made", exact: true }).waitFor();
  await page.keyboard.press("Escape");
  assert.deepEqual(complaints, []);
});

test("what is typed elsewhere in the project and not saved is tried with it", async () => {
  await at("/projects/flights/assets/environments/thresholds.yaml");
  await page.getByRole("textbox", { name: "SEVERE" }).fill("60");
  await page.getByText("● unsaved").waitFor();
  page.once("dialog", (it) => it.accept());
  await at(`${FLIGHTS}?trial=open`);
  await dock().getByText("with what is not saved of environments/thresholds.yaml").waitFor();
  await sample().fill(CSV);
  await button("Try it on the sample").click();
  await says("It would be committed, but 2 records failed");
  assert.match(await edge("route", "severe", "severe").getAttribute("aria-label"), /, 2 records$/);
  await button("Keep as a test …").hover();
  await page.getByText("A test runs on what is saved: save environments/thresholds.yaml").waitFor();
  await at("/projects/flights/assets/environments/thresholds.yaml");
  await button("Discard").click();
  await page.getByText("saved", { exact: true }).waitFor();
  assert.deepEqual(complaints, []);
});

test("what passes where it runs is a sample", async () => {
  await at(`${FLIGHTS}?trial=open`);
  await button("Take what passes now at read").click();
  await page.getByText("Waiting …").waitFor();
  const done = join(directory, "done", "flights-2001-01-01.csv");
  await copyFile(done, join(directory, "in", "once-more.csv"));
  await dock()
    .getByText(/^100 records that passed just now/)
    .waitFor();
  assert.equal((await sample().inputValue()).split("\n").length, 100);
  await button("Try it on the sample").click();
  await says("All of it would be committed");
  await edge("read", "out", "derive").waitFor();
  assert.match(await edge("read", "out", "derive").getAttribute("aria-label"), /, 100 records$/);
  await at("/projects/flights/assets/workflows/made.yaml?trial=open");
  await button("Take what passes now at read").hover();
  await page.getByText("No workflow made runs on this cluster").waitFor();
  assert.deepEqual(complaints, []);
});

test("a script that fails says where, and leads there; the sample is there when one comes back", async () => {
  await at("/projects/flights/assets/workflows/scripted.yaml?trial=open");
  await sample().fill(CSV);
  await sample().press("Control+Enter");
  await says("It would be committed, but 2 records failed");
  await stage("halve").click();
  await records("halve")
    .getByRole("row", { name: /delay changed 66 660/ })
    .waitFor();
  // One that became two is shown with both.
  assert.equal(await records("halve").getByText("→ to out").count(), 4);
  await records("halve")
    .getByText(/line 3, column \d+ of the script: TypeError/)
    .waitFor();
  await records("halve").getByRole("button", { name: "To line 3 of the script" }).click();
  await page.waitForURL(/tab=code/);
  const line = SCRIPTED.split("\n").findIndex((it) => it.includes("row.nothing")) + 1;
  assert.match(page.url(), new RegExp(`line=${line}&column=`));
  const active = page.locator("[data-code] .cm-activeLine");
  await active.getByText("row.nothing.there").waitFor();
  await page.getByRole("link", { name: "Design", exact: true }).click();
  await says("It would be committed, but 2 records failed");
  assert.equal(await sample().inputValue(), CSV);
});

test("what is tried is what is drawn, saved or not; what is wrong with it is said with its place", async () => {
  const before = await readFile(join(directory, "workflows", "flights.yaml"), "utf8");
  const code = page.locator("[data-code] .cm-content");
  await at(`${FLIGHTS}?trial=open`);
  await sample().fill(CSV);
  await stage("route").click();
  await page.keyboard.press("Delete");
  await page.getByText("● unsaved").waitFor();
  await button("Try it on the sample").click();
  // What it fed has no input any more: an error of the project, with its line.
  await says("It can’t be run");
  const wrong = dock().getByRole("list", { name: "Problems" });
  await wrong.getByText("severe").first().waitFor();
  await wrong
    .getByRole("button", { name: /^line \d+$/ })
    .first()
    .click();
  await page.waitForURL(/tab=code/);
  await page.getByRole("link", { name: "Design", exact: true }).click();
  await says("It can’t be run");
  await button("Undo").click();
  await says("of the text before your last change");
  await button("Try again on the sample").click();
  await says("It would be committed");
  await page.getByRole("link", { name: "Code", exact: true }).click();
  await code.getByText("to_char(departure, '%A')").click();
  await page.keyboard.press("End");
  await page.keyboard.type(" || '!'");
  await page.getByRole("link", { name: "Design", exact: true }).click();
  await button("Try again on the sample").click();
  await stage("derive").click();
  await records("derive").getByText('"Monday!"').first().waitFor();
  assert.equal(await readFile(join(directory, "workflows", "flights.yaml"), "utf8"), before);
  await button("Discard").click();
  await page.getByText("saved", { exact: true }).waitFor();
});

test("a packed file goes as it is, what is too large does not go, and JSON lines go as records", async () => {
  await at(`${FLIGHTS}?trial=open`);
  const picker = dock().getByLabel("File: Sample of read");
  const file = (name, buffer) => ({ name, mimeType: "application/octet-stream", buffer });
  await picker.setInputFiles(file("flights.csv.gz", gzipSync(CSV)));
  await dock().getByText("flights.csv.gz").waitFor();
  await button("Try it on the sample").click();
  await says("It would be committed, but 2 records failed");
  await picker.setInputFiles(file("large.csv", Buffer.alloc(4 * 1024 * 1024 + 1, "x")));
  await dock().getByRole("alert").getByText("larger than 4 MiB").waitFor();
  assert.equal(await button("Try again on the sample").getAttribute("aria-disabled"), "true");
  await button("Take it out").click();
  await dock()
    .getByLabel(/^One JSON object on each line/)
    .check();
  await sample().fill('{"delay": 1}\n{"delay": ');
  await dock().getByRole("alert").getByText("Line 2 is no JSON").waitFor();
  await sample().fill(
    '{"date": "2001/01/01 00:47", "delay": 99, "distance": 10, "origin": "A", "destination": "B"}',
  );
  await button("Try again on the sample").click();
  await says("All of it would be committed");
  const out = await readdir(join(directory, "out"), { recursive: true });
  assert.ok(!out.some((it) => it.includes("sample")), "nothing is written");
});

test("each source has a sample of its own, of lines of JSON where it reads no format", async () => {
  await at("/projects/flights/assets/workflows/made.yaml?trial=open");
  await sample().fill('{"id": 3}\n{"id": 4}');
  await dock().locator("summary", { hasText: "other" }).click();
  const other = dock().getByRole("textbox", { name: "Sample of other" });
  await other.fill('{"id": 5}');
  await other.press("Control+Enter");
  await says("All of it would be committed");
  await dock()
    .getByRole("button", { name: /^write 3 in/ })
    .click();
  await records("write").getByText("5", { exact: true }).first().waitFor();
  assert.deepEqual(await findings(page), []);
  // As a text it would fit nothing: what helps is a button.
  const lines = dock().getByLabel(/^One JSON object on each line/);
  await lines.first().uncheck();
  await button("Try again on the sample").click();
  await says("It can’t be run: 1 error");
  await dock().getByRole("button", { name: "Take it as lines of JSON" }).click();
  assert.ok(await lines.first().isChecked());
  await button("Try again on the sample").click();
  await says("All of it would be committed");
});

test("a format is found in a sample, and written in its place or as an asset", async () => {
  const source = "sources/flight-files.yaml";
  const dialog = page.getByRole("dialog");
  const begin = () =>
    page.getByRole("button", { name: "Find it in a sample or a source …" }).click();
  const look = async (text) => {
    await begin();
    await dialog.getByRole("textbox", { name: "Sample" }).fill(text);
    await dialog.getByRole("button", { name: "Look at it" }).click();
  };
  await at(`/projects/flights/assets/${source}`);
  await begin();
  const isOff = await dialog.getByRole("button", { name: "Look at it" }).isDisabled();
  assert.ok(isOff, "there is nothing to look at");
  await page.keyboard.press("Escape");
  await look(CSV);
  await dialog.getByRole("row", { name: /^delay int64/ }).waitFor();
  await dialog.getByText("1 record not read").waitFor();
  await dialog.getByText("it has 3 columns where 5 are expected").waitFor();
  assert.deepEqual(await findings(page), []);
  await dialog.getByRole("button", { name: "Write it here" }).click();
  await dialog.waitFor({ state: "detached" });
  const code = page.locator("[data-code] .cm-content");
  await code.getByText("int64").first().waitFor();
  await button("Undo").click();
  await page.getByText("saved", { exact: true }).waitFor();
  await look('{"id": 1, "at": "2001-01-01T00:00:00Z"}\n{"id": 2}\n');
  await dialog.getByRole("row", { name: /^at .*no value in 1 of 2/ }).waitFor();
  await dialog.getByText("As an asset of its own").click();
  await dialog.getByRole("textbox", { name: "Name of the Format asset" }).fill("flights-csv");
  await dialog.getByText("There is a Format asset of this name already").waitFor();
  await dialog.getByRole("textbox", { name: "Name of the Format asset" }).fill("events");
  await dialog.getByRole("button", { name: "Make the asset" }).click();
  await dialog.waitFor({ state: "detached" });
  await code.getByText("events").first().waitFor();
  const made = await readFile(join(directory, "formats", "events.yaml"), "utf8");
  assert.match(made, /kind: Format[\s\S]*type: json/);
  await button("Discard").click();
  assert.deepEqual(complaints, []);
});

for (const scheme of ["dark", "light"]) {
  test(`by the keyboard alone, and nothing for axe to find, ${scheme}`, async () => {
    const other = await open(chrome, scheme);
    const { page } = other;
    await page.goto(`${server.url}/projects/flights/assets/workflows/scripted.yaml`);
    await page.locator('.react-flow__node[data-id="halve"]').focus();
    await page.keyboard.press("r");
    const dock = page.getByRole("region", { name: "Try it" });
    const tabTo = async (what) => {
      const isThere = () => what.evaluate((it) => it === document.activeElement);
      for (let step = 0; step < 60 && !(await isThere()); step++) await page.keyboard.press("Tab");
      assert.ok(await isThere(), `${what} is reached by Tab`);
    };
    await tabTo(dock.getByRole("textbox", { name: "Sample of read" }));
    await page.keyboard.insertText(CSV);
    await page.keyboard.press("Control+Enter");
    await dock.getByText("It would be committed, but 2 records failed").waitFor();
    for (const name of ["read", "halve", "write"]) {
      await tabTo(dock.getByRole("button", { name: new RegExp(`^${name}`) }));
      await page.keyboard.press("Enter");
      await dock.getByRole("list", { name: `Records at ${name}` }).waitFor();
      assert.deepEqual(await findings(page), []);
    }
    assert.deepEqual(other.complaints, []);
    await other.close();
  });
}
