// A workflow without an end, beside the sample: it has checkpoints, savepoints, and a bad record now and then.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "./weir.mjs";

const PROJECT = `apiVersion: weir/v1
kind: Project
metadata: { name: ticks, description: Counts without an end. }
spec: { exclude: [out] }
`;

/** Each tenth record can't be mapped, until that is mended. */
const workflow = (isMended) => `apiVersion: weir/v1
kind: Workflow
metadata: { name: ticks, description: Counts without an end. }
spec:
  instances: 2
  stages:
    - name: make
      source:
        generator:
          rate: 40
          partitions: 4
          fields: [{ name: partition, make: partition }, { name: id, make: sequence }]
    - name: unique
      from: make
      processor: { deduplicate: { key: [partition, id], within: 1h } }
    - name: derive
      from: unique
      processor:
        mapping: { set: { half: "CAST(CASE WHEN id % 10 = 3 THEN '${isMended ? 7 : "none"}' ELSE '7' END AS BIGINT)" } }
    - name: write
      from: derive
      sink: { file: { directory: out, name: "\${stream}.jsonl", format: { type: json }, createDirectory: true, onExisting: counter } }
`;

/** Writes the project, and returns where it is. */
export async function written(dir, isMended = false) {
  const project = join(dir, "ticks");
  await mkdir(join(project, "workflows"), { recursive: true });
  await writeFile(join(project, "project.yaml"), PROJECT);
  await writeFile(join(project, "workflows", "ticks.yaml"), workflow(isMended));
  return project;
}

export async function ticks({ dir, cli, management, get }, isMended = false) {
  const project = await written(dir, isMended);
  await cli("deployment", "apply", project, "--management", management);
  if (isMended) return;
  await until("a record of it has failed", async () => {
    const { items } = await get("/api/v1/workflows/ticks/dead-letters");
    return items?.length > 0;
  });
}
