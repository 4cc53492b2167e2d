// A real Weir for the tests: started on a directory and ports of its own, and ended by its id.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dist } from "./dist.mjs";
import { showsProgram } from "./failed.mjs";
import { freePorts } from "./ports.mjs";

const BINARY = process.env.WEIR_BIN ?? "../target/debug/weir";
export const TOKEN = "0123456789abcdef01234567";
/** For what should be there at once: machines are shared, and only a test that fails waits so long. */
export const DEADLINE_MS = 60_000;

/** Asks until the answer is as wanted, or fails with what it was last. */
export async function until(what, ask, withinMs = DEADLINE_MS) {
  const end = Date.now() + withinMs;
  for (;;) {
    let last;
    try {
      const found = await ask();
      if (found) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what} did not happen in time: ${last}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** `weir dev` with its sample project, unless other arguments are given, which may depend on where its page is. */
export async function weir(more = []) {
  const dir = await mkdtemp(join(tmpdir(), "weir-ui-"));
  const [page, rest, management, metrics, before] = await freePorts(5);
  const set = {
    "config-server.bind.port": page,
    "rest-server.bind.port": rest,
    "management.bind.port": management,
    "metrics.bind.port": metrics,
    "management.read-only": false,
    "management.token": TOKEN,
    // The tests sign with keys that are thrown away.
    "packages.accept-any-signer": true,
  };
  const keys = Object.entries(set).flatMap(([key, value]) => ["-D", `weir.${key}=${value}`]);
  const own = `http://127.0.0.1:${page}`;
  const url = process.env.WEIR_UI_DIST ? `http://127.0.0.1:${before}` : own;
  let [front, running, said] = [undefined, undefined, ""];
  const over = showsProgram(`weir at ${own}`, () => said);
  const get = async (path) => (await fetch(own + path)).json();
  const start = async () => {
    const others = typeof more === "function" ? more(url) : more;
    const child = spawn(BINARY, ["dev", "--data-dir", dir, ...keys, ...others], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    running = { child, ended: new Promise((done) => child.once("exit", done)) };
    said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (piece) => {
        said = (said + piece).slice(-20_000);
      });
    }
    const ready = async () => {
      if (child.exitCode !== null) throw new Error(`weir ended:\n${said}`);
      return (await get("/api/v1/workflows")).items.length > 0;
    };
    await until("Weir is ready", ready).catch((error) => {
      throw new Error(`${error.message}\n${said}`);
    });
  };
  const end = async () => {
    const { child, ended } = running;
    child.kill("SIGTERM");
    await Promise.race([ended, new Promise((done) => setTimeout(done, 15_000))]);
    child.kill("SIGKILL");
    await ended;
  };
  const stop = async () => {
    over();
    front?.close();
    await end();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  if (process.env.WEIR_UI_DIST) {
    front = await dist(process.env.WEIR_UI_DIST, own, before);
  }
  return {
    url,
    dir,
    rest: `http://127.0.0.1:${rest}`,
    management: `http://127.0.0.1:${management}`,
    get,
    stop,
    /** Ends it and starts it again, on the same directory and ports. */
    restart: async (meanwhile = async () => undefined) => {
      await end();
      await meanwhile();
      await start();
    },
    /** Sends it a signal, as to freeze it. */
    signal: (name) => running.child.kill(name),
    secret: async () => (await readFile(join(dir, "set-up-secret"), "utf8")).trim(),
  };
}

/** Sends a command, and fails if it is refused. */
export async function command(url, method, path, body) {
  const response = await fetch(url + path, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${answer}`);
  return answer && JSON.parse(answer);
}
