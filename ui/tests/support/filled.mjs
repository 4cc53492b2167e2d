// A Weir in which there is something to see: the sample ran, packages are stored, users and keys are there.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ticks } from "./ticks.mjs";
import { command, TOKEN, until, weir } from "./weir.mjs";

const run = promisify(execFile);
const BINARY = process.env.WEIR_BIN ?? "../target/debug/weir";
export const PASSWORD = "a long pass phrase";

/** `isLive`: with a workflow that has no end, and a savepoint of it; its project has a version. */
export async function filled({ isLive = false } = {}) {
  const server = await weir();
  try {
    await until("the sample ran", async () => {
      const { items } = await server.get("/api/v1/streams");
      return items.length >= 7 && items.every((it) => it.closedAt);
    });
    const cli = (...words) =>
      run(BINARY, words, { env: { ...process.env, WEIR_SERVER: server.rest, WEIR_TOKEN: TOKEN } });
    if (isLive) await versions(server);
    await packages(server, cli);
    await command(server.url, "POST", "/api/v1/keys", { alias: "demo" });
    await command(server.url, "POST", "/api/v1/resources:declare", {
      group: "demo-partitions",
      resources: Array.from({ length: 8 }, (_, it) => `p${it}`),
    });
    for (let it = 0; it < 3; it++) {
      await command(server.url, "POST", "/api/v1/resources:reserve", {
        group: "demo-partitions",
        lease: "1h",
      }).catch(() => undefined);
    }
    const secret = await server.secret();
    await command(server.url, "POST", "/api/v1/set-up", {
      name: "ada",
      password: PASSWORD,
      secret,
    });
    const { items: nodes } = await server.get("/api/v1/nodes");
    const { items: streams } = await server.get("/api/v1/streams");
    const stream = streams.find((it) => it.state === "committedWithWarnings") ?? streams[0];
    const names = { node: nodes[0].name, stream: stream.id };
    if (isLive) {
      await ticks({ ...server, cli });
      await command(server.url, "POST", "/api/v1/workflows/ticks/savepoints", {
        name: "before-upgrade",
      });
    }
    return { ...server, cli, names };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** One with all that screens show: its alarm of dead letters stands, which takes the time that they must last. */
export async function shown() {
  const server = await filled({ isLive: true });
  server.names.alarm = await until("an alarm stands", async () => {
    const { items } = await server.get("/api/v1/alarms");
    return items.find((it) => it.subject.name === "ticks")?.id;
  });
  return server;
}

/** A Weir in which nothing ran, and nothing is to. */
export async function emptied() {
  const project = await mkdtemp(join(tmpdir(), "weir-idle-"));
  await mkdir(join(project, "workflows"));
  await mkdir(join(project, "in"));
  const head = "apiVersion: weir/v1\nkind:";
  await writeFile(
    join(project, "project.yaml"),
    `${head} Project\nmetadata: { name: idle }\nspec: {}\n`,
  );
  await writeFile(
    join(project, "workflows", "idle.yaml"),
    `${head} Workflow
metadata: { name: idle }
spec:
  stages:
    - name: read
      source:
        file:
          directory: in
          format: { type: csv, schema: [{ name: id, type: int64 }] }
          done: { directory: done }
          error: { directory: error }
    - name: write
      from: read
      sink: { file: { directory: out, name: "\${item:stem}.jsonl", format: { type: json } } }
`,
  );
  const server = await weir(["--project", project]);
  const stop = async () => {
    await server.stop();
    await rm(project, { recursive: true, force: true });
  };
  try {
    const words = ["deployment", "withdraw", "idle", "--management", server.management];
    await run(BINARY, words, { env: { ...process.env, WEIR_TOKEN: TOKEN } });
    await until(
      "nothing runs",
      async () => (await server.get("/api/v1/workflows")).items.length === 0,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...server, stop };
}

/** The sample as it came is the first version of its project. */
async function versions(server) {
  const path = "/api/v1/projects/flights/versions";
  await command(server.url, "POST", `${path}:init`);
  const response = await fetch(server.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", "if-none-match": "*" },
    body: JSON.stringify({ message: "The sample as it came" }),
  });
  if (!response.ok) throw new Error(await response.text());
}

/** Two packages of the sample, the second one based on the first and a little other. */
async function packages({ dir }, cli) {
  const project = join(dir, "flights");
  const routes = join(project, "workflows", "flights.yaml");
  for (const [tag, base] of [
    ["v1", []],
    ["v2", ["--base", "v1"]],
  ]) {
    const file = join(dir, `${tag}.weir`);
    const said = tag === "v1" ? "as it came" : "severe delays begin later";
    await cli("build", project, "--unsigned", "--tag", tag, "--description", said, "--file", file);
    await cli("deployment", "upload", file, ...base);
    const text = await readFile(routes, "utf8");
    await writeFile(routes, text.replace("} - 30", "} - 45"));
  }
}
