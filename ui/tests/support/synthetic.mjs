// More than a test can run for real: a server that answers as Weir does, for a workflow of any number of stages whose
// counts change each second, and any number of streams. What it says is made up; how it says it is not.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { text } from "node:stream/consumers";
import { book } from "./alarms.mjs";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" };
const TICK_MS = 1_000;
const START = Date.now() - 3_600_000;
const time = (ms) => new Date(START + ms).toISOString();
const counts = (n) => ({
  recordsIn: n,
  recordsOut: n,
  bytesIn: 10 * n,
  bytesOut: 10 * n,
  deadLetters: 0,
  ignored: 0,
  dropped: 0,
});

const member = (name, more = {}) => ({
  name,
  uid: `uid-${name}`,
  address: `weir://synthetic@${name}:5843`,
  rest: `http://${name}:5842`,
  roles: [],
  version: "1",
  status: "up",
  unreachable: false,
  upNumber: 1,
  joinedAt: time(0),
  changedAt: time(0),
  reason: "the leader let it in",
  ...more,
});

/** Stages in chains of ten behind one source, as `edges` join them. */
function graph(count) {
  const name = (it) => `stage-${it}`;
  const edges = [];
  for (let it = 1; it < count; it++)
    edges.push({ from: name(it % 10 === 1 ? 0 : it - 1), port: "out", to: name(it) });
  return { ids: Array.from({ length: count }, (_, it) => name(it)), edges };
}

/** The same graph as the text of a workflow. */
function written({ ids, edges }) {
  const inputs = new Map(edges.map((it) => [it.to, it.from]));
  const stage = (id) => {
    const from = inputs.get(id);
    if (!from) return `    - name: ${id}\n      source: { generator: { rate: 1 } }\n`;
    return `    - name: ${id}\n      from: ${from}\n      processor:\n        mapping: { set: { a: "1" } }\n`;
  };
  const head = "apiVersion: weir/v1\nkind: Workflow\nmetadata: { name: large }\nspec:\n  stages:\n";
  return head + ids.map(stage).join("");
}

const stream = (number) => ({
  id: `0197a8b0-0000-7000-8000-${String(number).padStart(12, "0")}`,
  workflow: "large",
  instance: 0,
  node: "node-1",
  item: `item-${number}.csv`,
  state: "committed",
  attempts: 1,
  openedAt: time(number),
  closedAt: time(number + 500),
  counts: counts(number),
});

const letter = (number) => ({
  id: `${number}:1`,
  workflow: "large",
  stage: "stage-1",
  reason: `record ${number} is none`,
  state: "waiting",
  item: `item-${number}.csv`,
  position: number,
  attempt: 1,
  at: time(number),
});

const item = (number) => ({
  source: "large/read",
  name: `item-${number}.csv`,
  status: "done",
  size: number,
  claimedAt: time(number),
  settledAt: time(number + 500),
  stream: stream(number).id,
});

const gone = (id) => ({
  type: "about:blank",
  title: "Not found",
  status: 404,
  code: "WEIR-07003",
  detail: `There is no alarm ${id}.`,
});

/** `moving`: so many stages count on, the first ones. `without`: claims that whoever looks has not. */
export async function synthetic({
  stages = 1_000,
  streams = 10_000,
  moving = stages,
  without = [],
} = {}) {
  const { ids, edges } = graph(stages);
  let tick = 0;
  const members = [member("node-1"), member("node-2")];
  const summary = () => ({
    name: "large",
    project: "p",
    state: "processing",
    instances: 1,
    openStreams: 1,
    committed: streams,
    committedWithWarnings: 0,
    rolledBack: 0,
    counts: counts(1_000 * tick),
    startedAt: time(0),
  });
  const detail = () => ({
    ...summary(),
    edges,
    stages: ids.map((id, at) => ({
      id,
      role: at === 0 ? "source" : "operator",
      kind: "mapping",
      onError: "deadLetter",
      counts: counts((at + 1) * (at < moving ? tick : 1) * 7),
    })),
  });
  const empty = { items: [] };
  const alarms = book();
  const topics = {
    alarms: () => alarms.shown(),
    members: () => ({
      cluster: "synthetic",
      node: { name: "node-1", uid: "uid-node-1" },
      version: members.length,
      members,
    }),
    workflows: () => ({ items: [summary()] }),
    "workflow:large": detail,
    streams: () => ({ items: Array.from({ length: 100 }, (_, it) => stream(streams - it)) }),
    sources: () => ({
      items: [{ source: "large/read", counts: { done: { count: streams, hasMore: false } } }],
    }),
    schedule: () => ({ revision: 1, workflows: [], nodes: [], drained: [], warnings: [] }),
    deployments: () => ({
      revision: 1,
      default: "DeploymentRoot",
      items: [],
      applied: [],
      recent: [],
      objects: { count: 0, bytes: 0, bytesSaved: 0 },
    }),
  };
  const refused = {
    type: "about:blank",
    title: "Not allowed",
    status: 403,
    code: "WEIR-07016",
    detail: "The claim alarm:read is missing.",
  };
  const refusal = () => (without.includes("alarm:read") ? refused : alarms.problem);
  const shown = (topic) =>
    topic === "alarms" && refusal()
      ? { type: "refused", problem: refusal() }
      : { type: "whole", value: (topics[topic] ?? (() => empty))() };
  const listeners = new Set();
  const timer = setInterval(() => {
    tick += 1;
    for (const tell of listeners) tell();
  }, TICK_MS);

  const live = (url, answer) => {
    answer.writeHead(200, { "content-type": "text/event-stream" });
    const wanted = url.searchParams.get("topics").split(",");
    const tell = () => {
      for (const topic of wanted) {
        const event = { topic, at: new Date().toISOString(), ...shown(topic) };
        answer.write(`event: ${event.type}\nid: ${tick}\ndata: ${JSON.stringify(event)}\n\n`);
      }
    };
    listeners.add(tell);
    answer.on("close", () => listeners.delete(tell));
    tell();
  };
  const page = (url, made = stream) => {
    const limit = Number(url.searchParams.get("limit"));
    const last = Number(url.searchParams.get("cursor") ?? streams + 1);
    const items = Array.from({ length: Math.min(limit, last - 1) }, (_, it) => made(last - 1 - it));
    return { items, nextCursor: last - limit > 1 ? String(last - limit) : null };
  };
  const asset = { path: "workflows/large.yaml", kind: "Workflow", name: "large", etag: "1" };
  const project = { name: "p", directory: "/p", workflows: ["large"], errors: 0, warnings: 0 };
  /** What a project says of itself, by the end of the path. */
  const ofProject = {
    "/api/v1/projects": { items: [project] },
    "/api/v1/projects/p": project,
    "/api/v1/projects/p/assets": { items: [asset] },
    "/api/v1/projects/p/assets/workflows%2Flarge.yaml": { ...asset, text: written({ ids, edges }) },
    "/api/v1/projects/p:validate": { findings: [] },
    "/api/v1/projects/p/findings": { findings: [] },
  };
  const claims = [
    ...["cluster:read", "workflow:read", "stream:read", "schedule:read"],
    ...["project:read", "project:write", "alarm:read", "alarm:confirm", "access:read"],
  ].filter((it) => !without.includes(it));
  const me = {
    user: "ada",
    via: "machine",
    mustChange: false,
    grants: Object.fromEntries(claims.map((it) => [it, "everything"])),
  };

  const server = createServer(async (asked, answer) => {
    const url = new URL(asked.url, "http://synthetic");
    const json = (value, status = 200) => {
      answer.writeHead(status, { "content-type": "application/json" });
      answer.end(JSON.stringify(value));
    };
    if (url.pathname.startsWith("/api/v1/alarms")) {
      if (refusal()) return json(refusal(), refusal().status);
      const [, id] = /alarms\/(.+)/.exec(url.pathname) ?? [];
      if (id) return alarms.one(id) ? json(alarms.one(id)) : json(gone(id), 404);
      if (asked.method !== "POST") return json(alarms.page(url.searchParams));
      return json(alarms.confirm(JSON.parse(await text(asked))));
    }
    if (url.pathname === "/api/v1/live") return live(url, answer);
    if (url.pathname === "/api/v1/me") return json(me);
    if (url.pathname === "/api/v1/streams") return json(page(url));
    if (url.pathname === "/api/v1/items") return json(page(url, item));
    if (url.pathname === "/api/v1/workflows/large/dead-letters") return json(page(url, letter));
    if (url.pathname === "/api/v1/cluster/explain") return json({ node: "node-2", reasons: [] });
    if (url.pathname in ofProject) return json(ofProject[url.pathname]);
    if (url.pathname.startsWith("/api/")) return json(empty);
    // Names of assets have dots, too.
    const isFile = url.pathname.startsWith("/assets/") || /^\/[^/]+\.[a-z]+$/.test(url.pathname);
    const path = isFile ? url.pathname : "index.html";
    const content = await readFile(join("dist", normalize(path))).catch(() => undefined);
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    answer.writeHead(content ? 200 : 404, { "content-type": type });
    answer.end(content);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    alarms,
    /** From now on, this is said of a member; `undefined`: it is in the list no more. */
    say: (name, more) => {
      const at = members.findIndex((it) => it.name === name);
      members.splice(at, 1, ...(more ? [member(name, more)] : []));
    },
    stop: () => {
      clearInterval(timer);
      server.closeAllConnections();
      server.close();
    },
  };
}
