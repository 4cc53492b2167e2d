// Writes the types of both APIs from their OpenAPI documents: src/api/generated*.ts, which nobody edits.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const documents = { "config-server": "generated", management: "generated-management" };
await mkdir("src/api", { recursive: true });
for (const [name, file] of Object.entries(documents)) {
  const document = JSON.parse(await readFile(`../schemas/openapi/${name}.json`, "utf8"));
  const text = `// Generated from schemas/openapi/${name}.json.\n${astToString(await openapiTS(document, { defaultNonNullable: false }))}`;
  const target = `src/api/${file}.ts`;
  const before = await readFile(target, "utf8").catch(() => "");
  if (before !== text) await writeFile(target, text);
}
