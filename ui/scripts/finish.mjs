// After a build: removes what an earlier one left, presses every file, and holds the sizes to their budget.
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const FIRST_LOAD_MAX = 400_000;
const ROUTE_MAX = 200_000;
const WORTH = 1_024;

const index = await readFile("dist/index.html", "utf8");
const manifest = JSON.parse(await readFile("dist/.vite/manifest.json", "utf8"));
const used = new Set(
  Object.values(manifest).flatMap((it) => [it.file, ...(it.css ?? []), ...(it.assets ?? [])]),
);

for (const name of await readdir("dist/assets")) {
  if (!used.has(`assets/${name}`)) await rm(join("dist/assets", name));
}

const sizes = new Map();
const files = (await readdir("dist", { recursive: true })).filter(
  (it) => !it.split("/").some((part) => part.startsWith(".")),
);
for (const name of files) {
  const path = join("dist", name);
  if (!(await stat(path)).isFile() || /\.(br|gz)$/.test(name)) continue;
  const content = await readFile(path);
  if (/\.woff2$/.test(name) || content.length < WORTH) {
    sizes.set(name, content.length);
    continue;
  }
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  const pressed = await promisify(gzip)(content, { level: 9 });
  await writeFile(`${path}.br`, await promisify(brotliCompress)(content, { params }));
  await writeFile(`${path}.gz`, pressed);
  sizes.set(name, pressed.length);
}

// What a file draws in at once, with all that those draw in.
const needs = (key, seen = new Set()) => {
  const chunk = manifest[key];
  for (const file of [chunk.file, ...(chunk.css ?? [])]) seen.add(file);
  for (const it of chunk.imports ?? []) if (!seen.has(manifest[it].file)) needs(it, seen);
  return seen;
};
const total = (names) => [...names].reduce((sum, it) => sum + (sizes.get(it) ?? 0), 0);
const entry = Object.keys(manifest).find((it) => manifest[it].isEntry);
const first = needs(entry);
const fonts = Object.values(manifest)
  .flatMap((it) => it.assets ?? [])
  .filter((it) => /latin-wght/.test(it) && !/ext/.test(it));
const report = [["first load", total(first) + total(new Set(fonts)), FIRST_LOAD_MAX]];
for (const [key, chunk] of Object.entries(manifest)) {
  if (!chunk.isDynamicEntry) continue;
  const more = [...needs(key)].filter((it) => !first.has(it));
  report.push([key, total(more), ROUTE_MAX]);
}
let isOver = !index.includes("/assets/");
for (const [what, bytes, most] of report.sort((a, b) => b[1] - a[1])) {
  console.log(`${String(Math.round(bytes / 1_000)).padStart(5)} kB of ${most / 1_000}  ${what}`);
  isOver ||= bytes > most;
}
if (isOver) {
  console.error("error: a part of the UI is larger than its budget: see scripts/finish.mjs");
  process.exit(1);
}
