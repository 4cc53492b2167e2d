import { expect, test } from "vitest";
import { secretsOf, valuesOf } from "./named";

/* biome-ignore-start lint/suspicious/noTemplateCurlyInString: macros of the project */
const SPECS: Record<string, unknown> = {
  "project.yaml": { environments: ["day"] },
  "day.yaml": { values: { LATE: 1, TO: "outside", URL: "db://${sec:OF_DAY}" } },
  "night.yaml": { values: { LATE: 2 } },
  "base.yaml": { stages: [{ name: "x", sink: "outside" }], note: "${sec:OF_PARENT}" },
  "outside.yaml": { http: { password: "${sec:OF_SINK}", format: "lines" } },
  "lines.yaml": { key: "a${sec:OF_FORMAT}b${sec:SECOND}" },
  "unused.yaml": { key: "${sec:NEVER}" },
};
const asset = (kind: string, name: string) => ({ kind, name, path: `${name}.yaml` }) as never;
const asked = {
  assets: [
    asset("Project", "project"),
    asset("Environment", "day"),
    asset("Environment", "night"),
    asset("Workflow", "base"),
    asset("Sink", "outside"),
    asset("Format", "lines"),
    asset("Sink", "unused"),
  ],
  specOf: async (path: string) => SPECS[path],
};
const workflow = (spec: string, more = "") => `metadata: { name: w${more} }\nspec: ${spec}\n`;

test("values are those of the project, and behind them those that were chosen", async () => {
  expect(await valuesOf(asked, ["night"])).toEqual({
    all: { LATE: 2, TO: "outside", URL: "db://${sec:OF_DAY}" },
    chosen: { LATE: 2 },
  });
  expect((await valuesOf(asked, [])).chosen).toEqual({});
});

test("secrets are those of the workflow, of what it extends, and of what it uses", async () => {
  const { all } = await valuesOf(asked, []);
  const secrets = (text: string) => secretsOf(asked, text, all);
  expect(await secrets(workflow('{ a: "${sec:OWN} $${sec:NOT}" }'))).toEqual(["OWN"]);
  expect(await secrets(workflow("{ sink: outside }"))).toEqual(["OF_FORMAT", "OF_SINK", "SECOND"]);
  expect(await secrets(workflow("{ sink: '${env:TO}' }"))).toContain("OF_SINK");
  expect(await secrets(workflow("{ a: '${env:URL}' }"))).toEqual(["OF_DAY"]);
  expect(await secrets(workflow("{}", ", extends: base"))).toEqual([
    "OF_FORMAT",
    "OF_PARENT",
    "OF_SINK",
    "SECOND",
  ]);
});
/* biome-ignore-end lint/suspicious/noTemplateCurlyInString: macros of the project */
