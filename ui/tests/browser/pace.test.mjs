// Which stage sets the pace of a workflow is seen where it runs.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { findings } from "../support/browser.mjs";
import { filled } from "../support/filled.mjs";
import { until } from "../support/weir.mjs";

const PROJECT = `apiVersion: weir/v1
kind: Project
metadata: { name: narrow }
spec: { exclude: [out] }
`;
const WORKFLOW = `apiVersion: weir/v1
kind: Workflow
metadata: { name: narrow }
spec:
  stages:
    - name: make
      source: { generator: { rate: 100000, fields: [{ name: id, make: sequence }] } }
    - name: hold
      from: make
      processor: { throttle: { records: 2000, per: 1s } }
    - name: write
      from: hold
      sink: { devNull: {} }
`;

/** Beside the sample's, a workflow that can't keep up with what comes in. */
async function narrow({ dir, cli, management, get }) {
  const project = join(dir, "narrow");
  await mkdir(join(project, "workflows"), { recursive: true });
  await writeFile(join(project, "project.yaml"), PROJECT);
  await writeFile(join(project, "workflows", "narrow.yaml"), WORKFLOW);
  await cli("deployment", "apply", project, "--management", management);
  await until("the source is held up", async () => {
    const { stages } = await get("/api/v1/workflows/narrow");
    return stages?.find((it) => it.id === "make")?.time?.blockedMs > 0;
  });
}
const { page, complaints, at } = await begin(filled, { more: narrow });
const stage = (name) => page.locator(`.react-flow__node[data-id="${name}"]`);

test("the stage that others wait for is named, and each says how its time is spent", async () => {
  await at("/workflows/narrow");
  const says =
    /hold sets the pace: it holds records back, and make is held up \d+ % of its time[;.]/;
  await page.getByRole("status").filter({ hasText: says }).waitFor();
  await stage("hold")
    .getByText(/^\d+ % busy/)
    .waitFor();
  await stage("make")
    .getByText(/^\d+ % held up/)
    .waitFor();
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
});
