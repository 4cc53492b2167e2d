// Two real engines with a database, and a configuration server in front of them: a cluster on the loopback
// interface, where links need no certificates.
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { dist } from "./dist.mjs";
import { showsProgram } from "./failed.mjs";
import { freePorts } from "./ports.mjs";
import { TOKEN, until } from "./weir.mjs";

const run = promisify(execFile);
const BINARY = process.env.WEIR_BIN ?? "../target/debug/weir";
const WITHIN_MS = 90_000;
/** A node has the name of its host: each has an address of its own. */
const HOSTS = ["127.0.0.2", "127.0.0.3"];

export async function cluster() {
  const dir = await mkdtemp(join(tmpdir(), "weir-ui-cluster-"));
  const [database, page, peers, rest, management, metrics] = await freePorts(6);
  const running = new Map();
  let front;
  const start = (name, program, words) => {
    const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
    const it = { child, said: "", ended: new Promise((done) => child.once("exit", done)) };
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (piece) => {
        it.said = (it.said + piece).slice(-5_000);
      });
    it.over = showsProgram(name, () => it.said);
    running.set(name, it);
  };
  const end = async (name, signal = "SIGTERM") => {
    const it = running.get(name);
    running.delete(name);
    it?.over();
    it?.child.kill(signal);
    const timer = setTimeout(() => it?.child.kill("SIGKILL"), 15_000);
    await it?.ended;
    clearTimeout(timer);
  };
  const stop = async () => {
    front?.close();
    await Promise.all([...running.keys()].filter((it) => it !== "database").map((it) => end(it)));
    await end("database");
    await rm(dir, { recursive: true, force: true });
  };
  const engine = (host) =>
    start(host, BINARY, ["reactive-engine", "--conf", join(dir, `${host}.conf`)]);
  const own = `http://127.0.0.1:${page}`;
  const get = async (path) => {
    const answer = await fetch(own + path, { headers: { authorization: `Bearer ${TOKEN}` } });
    return answer.json();
  };
  try {
    const data = join(dir, "data");
    const [socket, user] = [join(dir, "db.sock"), process.getuid?.() === 0 ? ["--user=root"] : []];
    await run("mariadb-install-db", [
      "--no-defaults",
      `--datadir=${data}`,
      `--tmpdir=${dir}`,
      "--auth-root-authentication-method=normal",
      "--skip-test-db",
      ...user,
    ]);
    start("database", "mariadbd", [
      "--no-defaults",
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--pid-file=${join(dir, "db.pid")}`,
      "--bind-address=127.0.0.1",
      `--port=${database}`,
      ...user,
    ]);
    const sql = (text) =>
      run("mariadb", ["--no-defaults", `--socket=${socket}`, "--user=root", `--execute=${text}`]);
    await until("the database answers", () => sql("SELECT 1"), WITHIN_MS);
    await sql(
      "CREATE DATABASE weir CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; " +
        "CREATE USER weir@'%' IDENTIFIED BY 'weir'; GRANT ALL ON weir.* TO weir@'%'",
    );
    await run(BINARY, ["key", "master", join(dir, "master.key")]);
    const seeds = HOSTS.map((it) => `"weir://weir@${it}:${peers}"`).join(", ");
    const engines = HOSTS.map((it) => `"http://${it}:${rest}"`).join(", ");
    await writeFile(
      join(dir, "config-server.conf"),
      `weir {
  data-dir = "${join(dir, "config-server")}"
  config-server { bind { host = "127.0.0.1", port = ${page} }, engines = [${engines}] }
}
`,
    );
    start("config-server", BINARY, ["config-server", "--conf", join(dir, "config-server.conf")]);
    // Its users are let in by the engines, which trust it.
    let trusted = "";
    const issuer = async () => {
      const env = { ...process.env, WEIR_SERVER: own };
      trusted = (await run(BINARY, ["fleet", "issuer"], { env })).stdout.trim();
      return trusted !== "";
    };
    await until("the configuration server says who it is", issuer, WITHIN_MS);
    const conf = (host) => `weir {
  data-dir = "${join(dir, host)}"
  node.name = "${host}"
  cluster {
    name = weir
    canonical { host = "${host}", port = ${peers} }
    bind { host = "${host}", port = ${peers} }
    seed-nodes = [${seeds}]
    min-nr-of-members = 2
  }
  persistence.journal {
    plugin = mariadb
    schema.migrate = automatic
    mysql { host = "127.0.0.1", port = ${database}, database = weir, user = weir, password = weir, tls.mode = off }
  }
  secrets.master-key.file = "${join(dir, "master.key")}"
  rest-server { bind { host = "${host}", port = ${rest} }, canonical { host = "${host}", port = ${rest} } }
  management { bind { host = "${host}", port = ${management} }, token = "${TOKEN}", read-only = false }
  metrics.bind { host = "${host}", port = ${metrics} }
  packages.accept-any-signer = true
}
${trusted}
`;
    for (const host of HOSTS) {
      await mkdir(join(dir, host));
      await writeFile(join(dir, `${host}.conf`), conf(host));
      engine(host);
    }
    await until(
      "both engines are up",
      async () => {
        const over = HOSTS.find((it) => running.get(it)?.child.exitCode !== null);
        if (over) throw new Error(`the engine ${over} has ended`);
        const { members = [] } = await get("/api/v1/cluster/members");
        return members.filter((it) => it.status === "up").length === 2;
      },
      WITHIN_MS,
    );
    if (process.env.WEIR_UI_DIST) front = await dist(process.env.WEIR_UI_DIST, own);
  } catch (error) {
    const said = [...running].map(([name, it]) => `${name}:\n${it.said}`).join("\n");
    await stop();
    throw new Error(`${error.message}\n${said}`);
  }
  const management0 = `http://${HOSTS[0]}:${management}`;
  return {
    dir,
    get,
    stop,
    url: front?.url ?? own,
    rest: `http://${HOSTS[0]}:${rest}`,
    management: management0,
    nodes: HOSTS,
    /** Sends a node a signal, as to freeze it. */
    signal: (node, name) => running.get(node).child.kill(name),
    kill: (node) => end(node, "SIGKILL"),
    /** Ends a node as an operator does: it leaves. */
    end: (node) => end(node),
    /** Starts a node again that has ended. */
    again: engine,
    cli: (...words) =>
      run(BINARY, words, {
        env: {
          ...process.env,
          WEIR_SERVER: `http://${HOSTS[0]}:${rest}`,
          WEIR_MANAGEMENT: management0,
          WEIR_MANAGEMENT_TOKEN: TOKEN,
          WEIR_TOKEN: TOKEN,
        },
      }),
  };
}
