// Scripts and expressions in the fields of the inspector: what is wrong is where it stands, fields are proposed,
// and the keyboard gets in and out.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { filled } from "../support/filled.mjs";
import { until } from "../support/weir.mjs";

const TEXT = `apiVersion: weir/v1
kind: Workflow
metadata: { name: written }
spec:
  stages:
    - name: read
      source:
        file:
          directory: in-written
          format: flights-csv
          done: { directory: done-written }
          error: { directory: error-written }
    - name: halve
      from: read
      processor:
        javascript:
          script: |
            export function onMessage(row) {
              row.delay = = 2;
              return row;
            }
    - name: far
      from: halve
      processor:
        filterRoute:
          rules:
            - name: far
              when: distanc > 500
              to: far
          otherwise: drop
    - name: keep
      from: far.far
      sink: { file: { directory: out/written, name: "\${item}.jsonl", format: json-lines } }
`;
const { server, page, complaints, at, dialog } = await begin(filled, {
  more: ({ dir }) => writeFile(join(dir, "flights", "workflows", "written.yaml"), TEXT),
});
const of = (stage) => `/projects/flights/assets/workflows/written.yaml?stage=${stage}`;
const inspector = () => page.locator("aside[aria-label^='Inspector']");
const field = (name, place = inspector()) => place.getByRole("textbox", { name, exact: true });

/** As by hand: what `fill` does over several lines makes Chromium write styles into the page. */
async function retyped(it, text) {
  await it.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText(text);
}

test("a script is coloured, and what is wrong is at its line and below the field", async () => {
  await at(of("halve"));
  const it = field("script");
  await it.waitFor();
  await it.locator("span").filter({ hasText: "export" }).first().waitFor();
  const line = it.locator(".cm-line", { has: page.locator(".cm-lintRange-error") });
  assert.match(await line.innerText(), /row\.delay = = 2/);
  await inspector()
    .getByRole("list", { name: "Wrong with script" })
    .getByText("SyntaxError")
    .waitFor();
  assert.deepEqual(await findings(page), []);
});

test("fields of the record are proposed, Escape ends that, and Tab leads on", async () => {
  const it = field("script");
  await it.locator(".cm-line", { hasText: "= = 2" }).click();
  await page.keyboard.press("End");
  await page.keyboard.press("Home");
  await page.keyboard.type("row.dist");
  await inspector()
    .getByRole("option", { name: /^distance/ })
    .waitFor();
  await page.keyboard.press("Escape");
  await inspector().getByRole("option").first().waitFor({ state: "detached" });
  const isIn = () => page.evaluate(() => document.activeElement?.getAttribute("data-code"));
  assert.equal(await isIn(), "field");
  await page.keyboard.press("Tab");
  assert.notEqual(await isIn(), "field");
  await page.keyboard.press("Shift+Tab");
  assert.equal(await isIn(), "field");
});

test("it is opened large, and mended there", async () => {
  await inspector().getByRole("button", { name: "Open large script" }).click();
  const it = field("script", dialog());
  await retyped(it, "export function onMessage(row) {\n  return row;\n}\n");
  assert.deepEqual(await findings(page), []);
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "detached" });
  await inspector().getByRole("list", { name: "Wrong with script" }).waitFor({ state: "detached" });
  assert.match(await field("script").innerText(), /return row;\s*\}/);
});

test("an expression says itself what is wrong with it", async () => {
  await at(of("far"));
  const it = field("when");
  const word = it.locator(".cm-lintRange-error");
  await word.waitFor();
  assert.equal(await word.innerText(), "distanc");
  const wrong = inspector().getByRole("list", { name: "Wrong with when" });
  await wrong.getByText("distanc").first().waitFor();
  assert.equal(await it.getAttribute("aria-invalid"), "true");
  assert.match(await it.getAttribute("aria-description"), /distanc/);
  await retyped(it, "distance > 500");
  await wrong.waitFor({ state: "detached" });
  assert.deepEqual(complaints, []);
});

test("Ctrl S saves the last words of a script, also where it is open large", async () => {
  const path = "/api/v1/projects/flights/assets/workflows%2Fwritten.yaml";
  const said = (text) => until(text, async () => (await server.get(path)).text.includes(text));
  await at(of("halve"));
  await field("script").click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("// first\n");
  await page.keyboard.press("Control+s");
  await said("// first");
  await page.getByText("saved", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Open large script" }).click();
  await field("script", dialog()).click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("// second\n");
  await page.keyboard.press("Control+s");
  await said("// second");
  assert.equal(await dialog().count(), 1);
  await page.keyboard.press("Escape");
  await page.getByText("saved", { exact: true }).waitFor();
});

test("the ports of a script and their fields are declared in the form, and what no form can show begins as code", async () => {
  await at(of("halve"));
  const outputs = inspector().getByRole("group", { name: "outputs", exact: true });
  await outputs.getByRole("button", { name: "Add to outputs" }).click();
  await outputs.getByRole("button", { name: "Add an entry to add" }).click();
  await page.keyboard.type("total");
  const entry = outputs.getByRole("textbox", { name: /^type/ });
  await entry.fill("float64");
  await page.keyboard.press("Control+s");
  const path = "/api/v1/projects/flights/assets/workflows%2Fwritten.yaml";
  const text = async () => (await server.get(path)).text;
  await until("the field", async () => /name: total[\s\S]*type: float64/.test(await text()));
  assert.deepEqual(await findings(page), []);
  await inspector()
    .getByRole("button", { name: /arguments/ })
    .click();
  await page.waitForURL(/tab=code/);
  const line = Number(JSON.parse(new URL(page.url()).searchParams.get("line")));
  const shown = page.getByRole("textbox", { name: /workflows\/written/ }).first();
  await shown.waitFor();
  assert.match(
    await page
      .locator(".cm-line")
      .nth(line - 1)
      .innerText(),
    /arguments: \{\}/,
  );
});
