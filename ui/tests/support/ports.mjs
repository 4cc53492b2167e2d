// Ports for what tests start. Files of tests run beside each other, each in a process of its own: a process takes ports
// from blocks that are its own for as long as it runs, so that nobody else gets one between the look and its use. They lie
// below those that systems give to whoever connects.
import { createServer } from "node:net";

const [FIRST, SIZE, BLOCKS] = [20_000, 20, 500];
/** Where tests listen: a port that is taken on one of them is not free. */
const HOSTS = ["127.0.0.1", "0.0.0.0"];

/** Absent: somebody listens there. */
const listening = (port, host) =>
  new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(undefined));
    server.listen({ port, host, exclusive: true }, () => done(server));
  });

/** Whoever listens at the first port of a block has all of it: that ends with the process, however it ends. */
async function block() {
  for (let tried = 0; tried < BLOCKS; tried++) {
    const first = FIRST + ((process.pid + tried) % BLOCKS) * SIZE;
    const server = await listening(first, "127.0.0.1");
    if (!server) continue;
    server.unref();
    return Array.from({ length: SIZE - 1 }, (_, it) => first + 1 + it);
  }
  throw new Error("all blocks of ports are taken");
}

async function isFree(port) {
  for (const host of HOSTS) {
    const server = await listening(port, host);
    if (!server) return false;
    await new Promise((done) => server.close(done));
  }
  return true;
}

let own = [];
let last = Promise.resolve();

/** Ports that nobody has, and that nobody else gets. */
export function freePorts(count) {
  const found = last.then(async () => {
    const ports = [];
    while (ports.length < count) {
      if (own.length === 0) own = await block();
      const port = own.shift();
      if (await isFree(port)) ports.push(port);
    }
    return ports;
  });
  last = found.catch(() => undefined);
  return found;
}
