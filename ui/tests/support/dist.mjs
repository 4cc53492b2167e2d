// Serves ui/dist in front of a Weir whose binary has an older UI, or none: `WEIR_UI_DIST=dist` tries what was
// just built without building the binary again. Everything else, and the page's policy, is the server's.
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

export async function dist(directory, url, port = 0) {
  const { headers } = await fetch(url);
  const policy = headers.get("content-security-policy");
  const file = async (path) => {
    const content = await readFile(join(directory, normalize(path)));
    return { content, type: TYPES[extname(path)] ?? "application/octet-stream" };
  };
  const server = createServer(async (asked, answer) => {
    const { pathname } = new URL(asked.url, url);
    if (/^\/(api|livez|readyz)/.test(pathname)) {
      const options = {
        method: asked.method,
        headers: { ...asked.headers, host: new URL(url).host },
      };
      if (options.headers.origin) options.headers.origin = url;
      const passed = request(url + asked.url, options, (it) => {
        answer.writeHead(it.statusCode, it.headers);
        answer.flushHeaders();
        it.pipe(answer);
      });
      passed.on("error", () => answer.destroy());
      answer.on("close", () => passed.destroy());
      asked.pipe(passed);
      return;
    }
    // Names of things may have dots, too.
    const isFile = pathname.startsWith("/assets/") || /^\/[^/]+\.[a-z]+$/.test(pathname);
    const found = await file(isFile ? pathname : "index.html").catch(() => undefined);
    answer.writeHead(found ? 200 : 404, {
      "content-type": found?.type ?? "text/plain",
      "content-security-policy": policy,
    });
    answer.end(found?.content);
  });
  // A WebSocket, byte by byte.
  server.on("upgrade", (asked, socket, head) => {
    const headers = { ...asked.headers, host: new URL(url).host, origin: url };
    const passed = request(url + asked.url, { headers });
    passed.on("upgrade", (answer, other, more) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
      socket.write(more);
      other.write(head);
      socket.pipe(other).pipe(socket);
      socket.on("error", () => other.destroy());
      other.on("error", () => socket.destroy());
    });
    passed.on("response", () => socket.destroy());
    passed.on("error", () => socket.destroy());
    passed.end();
  });
  await new Promise((done) => server.listen(port, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
