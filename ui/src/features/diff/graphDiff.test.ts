import { expect, test } from "vitest";
import { counted, graphDiff, narrowed, type Side, sideOf } from "./graphDiff";
import { meansDrawn } from "./meansDrawn";
import { becameOf, edgeSaid, overall, stageSaid } from "./said";

const HEAD = "apiVersion: weir/v1\nkind: Workflow\nmetadata: { name: w }\nspec:\n";
const workflow = (stages: string[], more = "") =>
  `${HEAD}${more}  stages:\n${stages.map((it) => `    - ${it}\n`).join("")}`;
const READ = "{ name: read, source: { generator: { rate: 5 } } }";
const SHAPE = "{ name: shape, from: read, processor: { mapping: { set: { a: b, c: d, e: f } } } }";
const END = "{ name: end, from: shape, sink: { devNull: {} } }";

function side(text: string): Side {
  const it = sideOf(text);
  if ("problem" in it) throw new Error(it.problem);
  return it;
}
const diff = (before: string | undefined, after: string | undefined) =>
  graphDiff(
    before === undefined ? undefined : side(before),
    after === undefined ? undefined : side(after),
  );

/** What became of each stage and connection that is not what it was. */
function told(before: string | undefined, after: string | undefined): string[] {
  const { stages, edges } = diff(before, after);
  return [
    ...stages.filter((it) => it.change !== "same").map((it) => `${it.stage.id}: ${becameOf(it)}`),
    ...edges
      .filter((it) => it.change !== "same")
      .map((it) => `${it.from}.${it.port} > ${it.to}: ${it.change}`),
  ];
}

const WHOLE = workflow([READ, SHAPE, END]);

test("what is the same on both sides is there once", () => {
  const { stages, edges, settings } = diff(WHOLE, WHOLE);
  expect(stages.map((it) => [it.stage.id, it.change])).toEqual([
    ["read", "same"],
    ["shape", "same"],
    ["end", "same"],
  ]);
  expect(edges.map((it) => it.change)).toEqual(["same", "same"]);
  expect(settings).toEqual([]);
});

test("a stage that is put between two is added, with the connections it changes", () => {
  const between = workflow([
    READ,
    SHAPE,
    "{ name: slow, from: shape, processor: { throttle: { records: 5 } } }",
    "{ name: end, from: slow, sink: { devNull: {} } }",
  ]);
  expect(told(WHOLE, between)).toEqual([
    "slow: added",
    "end: changed, 1 field",
    "shape.out > slow: added",
    "slow.out > end: added",
    "shape.out > end: removed",
  ]);
  expect(diff(WHOLE, between).stages.at(-1)?.fields).toEqual([
    { path: "from", before: "shape", after: "slow" },
  ]);
  expect(told(between, WHOLE)).toContain("slow: removed");
});

test("another order of a list is a change: the first rule that fits is the one that counts", () => {
  const rules = (...names: string[]) =>
    workflow([
      READ,
      `{ name: shape, from: read, processor: { filterRoute: { rules: [${names
        .map((it) => `{ name: ${it}, when: ${it} > 1 }`)
        .join(", ")}] } } }`,
    ]);
  const fields = (before: string, after: string) => diff(before, after).stages[1]?.fields;
  expect(fields(rules("a", "b"), rules("b", "a"))).toEqual([
    { path: "processor.filterRoute.rules, its order", before: ["a", "b"], after: ["b", "a"] },
  ]);
  expect(diff(rules("a", "b"), rules("b", "a")).stages[1]?.change).toBe("changed");
  // What is put between two leaves them as they stood.
  expect(fields(rules("a", "b"), rules("a", "c", "b"))?.map((it) => it.path)).toEqual([
    "processor.filterRoute.rules[c]",
  ]);
  const columns = (...names: string[]) =>
    workflow([READ, END], `  columns: [${names.map((it) => `{ name: ${it} }`).join(", ")}]\n`);
  expect(diff(columns("a", "b"), columns("b", "a")).settings).toEqual([
    { path: "spec.columns, its order", before: ["a", "b"], after: ["b", "a"] },
  ]);
  // Stages may be written in any order.
  expect(told(workflow([READ, SHAPE, END]), workflow([END, SHAPE, READ]))).toEqual([]);
});

test("it is said what there is to choose, or that there is nothing", () => {
  const other = workflow([READ, SHAPE.replace("a: b", "a: x"), END]);
  expect(overall(diff(WHOLE, other))).toBe(
    "Choose a stage to see what changed in it; 1 stage did.",
  );
  const beside = workflow([READ, SHAPE, END], "  instances: 2\n");
  expect(overall(diff(WHOLE, beside))).toBe("Only what stands beside the stages changed.");
  expect(overall(diff(WHOLE, WHOLE))).toBe("Nothing that is drawn or set changed.");
});

test("fields are told by their paths with both values, a script as a whole", () => {
  const script = (text: string) =>
    workflow([
      READ,
      `{ name: shape, from: read, processor: { javascript: { script: ${JSON.stringify(text)} } } }`,
      END,
    ]);
  const { stages } = diff(script("a\nb\n"), script("a\nc\n"));
  expect(stages[1]?.fields).toEqual([
    { path: "processor.javascript.script", before: "a\nb\n", after: "a\nc\n" },
  ]);
  const other = workflow([
    "{ name: read, source: { generator: { rate: 6 } } }",
    SHAPE,
    "{ name: end, from: shape, sink: archive }",
  ]);
  const [read, , end] = diff(WHOLE, other).stages;
  expect(read?.fields).toEqual([{ path: "source.generator.rate", before: 5, after: 6 }]);
  expect(end?.fields).toEqual([{ path: "sink", before: { devNull: {} }, after: "archive" }]);
});

test("a stage under another name is renamed, and what leads from it stays", () => {
  const renamed = workflow([
    READ,
    SHAPE.replace("name: shape", "name: form"),
    END.replace("from: shape", "from: form"),
  ]);
  expect(told(WHOLE, renamed)).toEqual(["form: renamed from shape"]);
  const several = workflow([
    READ.replace("name: read", "name: in"),
    SHAPE.replace("name: shape, from: read", "name: form, from: in").replace("e: f }", "e: g }"),
    END.replace("from: shape", "from: form"),
  ]);
  // One that is found by what it feeds tells where another one stands.
  expect(told(WHOLE, several)).toEqual([
    "in: renamed from read",
    "form: renamed from shape, 1 field",
  ]);
});

test("what only happens to be alike is not taken for renamed", () => {
  // One sink went, and another one came elsewhere, of which nothing is said that could tell them apart.
  const before = workflow([
    READ,
    "{ name: left, from: read, processor: { mapping: {} } }",
    "{ name: right, from: read, processor: { throttle: { records: 1 } } }",
    "{ name: one, from: left, sink: { devNull: {} } }",
  ]);
  const after = workflow([
    READ,
    "{ name: left, from: read, processor: { mapping: {} } }",
    "{ name: right, from: read, processor: { throttle: { records: 1 } } }",
    "{ name: two, from: right, sink: { devNull: {} } }",
  ]);
  expect(told(before, after)).toEqual([
    "one: removed",
    "two: added",
    "right.out > two: added",
    "left.out > one: removed",
  ]);
  // Two went of which either may be the one that came.
  const twins = (names: string[]) =>
    workflow([READ, ...names.map((it) => `{ name: ${it}, from: read, sink: { devNull: {} } }`)]);
  expect(counted(diff(twins(["a", "b"]), twins(["c", "d"])).stages)).toEqual({
    same: 1,
    added: 2,
    removed: 2,
  });
  // Another kind in its place is another stage.
  const replaced = workflow([
    READ,
    "{ name: form, from: read, processor: { throttle: { records: 5 } } }",
    END.replace("from: shape", "from: form"),
  ]);
  expect(counted(diff(WHOLE, replaced).stages)).toMatchObject({ added: 1, removed: 1 });
});

test("names may be of any letters", () => {
  const [one, other] = ["“🐟 fish”", "🦈"].map((it) =>
    workflow([
      READ,
      `{ name: "${it}", from: read, processor: { mapping: { set: { a: b, c: d, e: f } } } }`,
      `{ name: end, from: "${it}", sink: { devNull: {} } }`,
    ]),
  ) as [string, string];
  expect(told(one, other)).toEqual(["🦈: renamed from “🐟 fish”"]);
  const [, renamed] = diff(one, other).stages;
  expect(renamed && stageSaid(renamed)).toBe("Stage 🦈, mapping, renamed from “🐟 fish”");
});

test("a workflow that was not there, or is not any more, is all added or removed", () => {
  expect(counted(diff(undefined, WHOLE).stages)).toEqual({ added: 3 });
  expect(counted(diff(undefined, WHOLE).edges)).toEqual({ added: 2 });
  expect(counted(diff(WHOLE, undefined).stages)).toEqual({ removed: 3 });
  expect(counted(diff(WHOLE, undefined).edges)).toEqual({ removed: 2 });
  expect(diff(undefined, WHOLE).settings).toEqual([]);
});

test("a port that is gone stays where a connection left it", () => {
  const route = (to: string) =>
    workflow([
      READ,
      `{ name: route, from: read, processor: { filterRoute: { rules: [{ when: x, to: ${to} }], otherwise: drop } } }`,
      `{ name: end, from: route.${to}, sink: { devNull: {} } }`,
    ]);
  const { stages, edges } = diff(route("late"), route("slow"));
  expect(stages[1]?.stage.ports).toEqual(["slow", "late"]);
  expect(edges.map((it) => [it.port, it.change])).toEqual([
    ["out", "same"],
    ["slow", "added"],
    ["late", "removed"],
  ]);
  expect(edges[1] && edgeSaid(edges[1])).toBe("Connection from route, port slow, to end, added");
});

test("what is said of the workflow itself is told beside its stages", () => {
  const other = workflow([READ, SHAPE, END], "  deadLetters: { directory: bad }\n");
  expect(told(WHOLE, other)).toEqual([]);
  expect(diff(WHOLE, other).settings).toEqual([
    { path: "spec.deadLetters", before: undefined, after: { directory: "bad" } },
  ]);
});

test("only what changed is left, with the ends of what connects it", () => {
  const cut = workflow([
    READ,
    SHAPE,
    END,
    "{ name: more, from: read, processor: { mapping: {} } }",
    "{ name: last, from: more, sink: { devNull: {} } }",
  ]);
  const more = workflow([
    READ,
    SHAPE,
    END,
    "{ name: more, from: read, processor: { mapping: {} } }",
    "{ name: last, from: [more, shape], sink: { devNull: {} } }",
  ]);
  const { stages, edges } = narrowed(diff(cut, more));
  expect(stages.map((it) => it.stage.id)).toEqual(["shape", "last"]);
  expect(edges.map((it) => `${it.from} > ${it.to} ${it.change}`)).toEqual(["shape > last added"]);
  expect(narrowed(diff(cut, cut))).toEqual({ stages: [], edges: [], settings: [] });
});

test("of what an engine runs, only stages, kinds and connections are compared", () => {
  const bare: Side = {
    isBare: true,
    rest: undefined,
    design: {
      stages: [
        { id: "read", role: "source", kind: "file", ports: ["out"], config: {} },
        { id: "end", role: "sink", kind: "devNull", ports: [], config: {} },
      ],
      edges: [{ from: "read", port: "out", to: "end" }],
    },
  };
  const { stages, settings } = graphDiff(bare, side(WHOLE));
  expect(stages.map((it) => `${it.stage.id}: ${becameOf(it)}`)).toEqual([
    "read: changed, 1 field",
    "shape: added",
    "end: changed, 1 field",
  ]);
  expect(stages[0]?.fields).toEqual([{ path: "kind", before: "file", after: "generator" }]);
  expect(settings).toEqual([]);
  // What an asset says is known by the asset's name: it may well be a file.
  const named = workflow([
    "{ name: read, source: files }",
    "{ name: end, from: read, sink: { devNull: {} } }",
  ]);
  expect(counted(graphDiff(bare, side(named)).stages)).toEqual({ same: 2 });
});

test("what can't be drawn says why", () => {
  expect(sideOf(`${HEAD}  stages: [\n`)).toEqual({
    problem: expect.stringMatching(/^line \d+ can’t be read: /),
  });
  expect(sideOf("kind: Source\nspec: {}\n")).toEqual({ problem: "it is no workflow" });
  expect(sideOf(`${HEAD}  stages: { a: 1 }\n`)).toEqual({ problem: "its stages are no list" });
  expect(sideOf("")).toEqual({ problem: "it is no workflow" });
  expect(side(HEAD).design).toEqual({ stages: [], edges: [] });
  expect(side(HEAD.replace("name: w", "name: w, extends: base")).parent).toBe("base");
  expect(
    [`${HEAD}  stages: [\n`, 'kind: "Snippet"', "kind: Source", "", undefined].map(meansDrawn),
  ).toEqual([true, true, false, false, false]);
});

test("stages that are named twice, lead nowhere or go round are drawn all the same", () => {
  const odd = workflow([
    "{ name: a, from: b, processor: { mapping: {} } }",
    "{ name: b, from: [a, gone], processor: { mapping: {} } }",
    "{ name: b, from: a, processor: { mapping: {} } }",
  ]);
  const { stages, edges } = diff(odd, odd);
  expect(stages.map((it) => it.stage.id)).toEqual(["a", "b"]);
  expect(edges).toHaveLength(2);
});

test("a thousand stages, half of them other, are compared", () => {
  const stages = (change: (at: number) => string) =>
    Array.from({ length: 1_000 }, (_, at) => (at === 0 ? READ.replace("read", "s0") : change(at)));
  const stage = (name: string, at: number, rate = at) =>
    `{ name: ${name}, from: s${at % 10 === 1 ? 0 : at - 1}, processor: { throttle: { records: ${rate}, per: 1s } } }`;
  const before = workflow(stages((at) => stage(`s${at}`, at)));
  const after = workflow(stages((at) => stage(`s${at}`, at, at % 2 ? at : at + 1)));
  const { stages: found, edges } = diff(before, after);
  expect(counted(found)).toEqual({ same: 501, changed: 499 });
  expect(counted(edges)).toEqual({ same: 999 });
  const others = before.replaceAll(/\bs(\d)/g, "t$1");
  expect(counted(diff(before, others).stages)).toEqual({ renamed: 1_000 });
  const twins = workflow(stages((at) => stage(`s${at}`, at, 1)));
  const strangers = twins.replaceAll(/\bs([1-9])/g, "t$1");
  expect(diff(twins, strangers).stages.length).toBeGreaterThanOrEqual(1_000);
}, 30_000);
