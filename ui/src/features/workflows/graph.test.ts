import { expect, test } from "vitest";
import type { Schemas } from "../../api/client";
import { STILL } from "../../live/history";
import { NO_COUNTS } from "../../logic/counts.fixture";
import { flow } from "./flow";
import { begun, placed, STAGE, shape } from "./layout";
import { outline } from "./outline";

const stage = (id: string, more: Partial<Schemas["Stage"]> = {}): Schemas["Stage"] => ({
  id,
  kind: "mapping",
  role: "operator",
  onError: "deadLetter",
  counts: NO_COUNTS,
  ...more,
});
const stages = [stage("read"), stage("route"), stage("a"), stage("b")];
const edges = [
  { from: "read", port: "out", to: "route" },
  { from: "route", port: "severe", to: "a" },
  { from: "route", port: "out", to: "b" },
];
const detail = (more: Partial<Schemas["WorkflowDetail"]>): Schemas["WorkflowDetail"] => ({
  name: "w",
  project: "p",
  state: "waiting",
  instances: 1,
  openStreams: 0,
  committed: 0,
  committedWithWarnings: 0,
  rolledBack: 0,
  counts: NO_COUNTS,
  startedAt: "",
  stages,
  edges,
  ...more,
});

test("a graph opens as a whole where it can be read, else where the records begin", () => {
  const all = [
    { id: "read", x: 8, y: 100 },
    { id: "a", x: 310, y: 0 },
    { id: "b", x: 612, y: 200 },
  ];
  const at = (it: { x: number; y: number }, view: ReturnType<typeof begun>) => ({
    left: it.x * view.zoom + view.x,
    right: (it.x + STAGE.width) * view.zoom + view.x,
    top: it.y * view.zoom + view.y,
  });
  const wide = begun(all, { width: 1_000, height: 400 });
  expect(wide.zoom).toBe(1);
  expect(all.every((it) => at(it, wide).left >= 0 && at(it, wide).right <= 1_000)).toBe(true);
  const narrow = begun(all, { width: 368, height: 388 });
  expect(narrow.zoom).toBe(0.75);
  expect(at(all[0] as (typeof all)[0], narrow)).toMatchObject({ left: 16 });
  expect(at(all[1] as (typeof all)[0], narrow).top).toBeGreaterThan(0);
  expect(begun([], { width: 368, height: 388 })).toEqual({ x: 0, y: 0, zoom: 1 });
});

test("streams that somebody paused are told before all else, in a lower tone", () => {
  const moving = { ...STILL, recordsIn: 20, recordsOut: 10 };
  expect(flow(detail({ pausedStreams: 1 }), moving)).toEqual({
    tone: "info",
    text: "1 stream paused: nothing more is read there until somebody resumes it. 20/s records in, 10/s out.",
  });
  const fault = { code: "WEIR-1", kind: "transient" as const, message: "gone" };
  expect(flow(detail({ fault, pausedStreams: 1 }), moving).tone).toBe("warn");
});

test("what feeds stands left of what it feeds, and numbers move nothing", () => {
  const at = Object.fromEntries(placed(stages, edges).map((it) => [it.id, it]));
  expect(at.read?.x).toBeLessThan(at.route?.x ?? 0);
  expect(at.a?.x).toBe(at.b?.x);
  const counted = [stage("read", { counts: { ...NO_COUNTS, recordsIn: 9 } }), ...stages.slice(1)];
  expect(shape(counted, edges)).toBe(shape(stages, edges));
});

test("the outline has each stage once, also in a circle", () => {
  expect(outline(stages, edges).map((it) => `${it.depth} ${it.id}`)).toEqual([
    "0 read",
    "1 route",
    "2 a",
    "2 b",
  ]);
  expect(outline(stages, edges)[1]?.feeds.map((it) => it.to)).toEqual(["a", "b"]);
  const circle = [
    { from: "a", port: "out", to: "b" },
    { from: "b", port: "out", to: "a" },
  ];
  expect(outline([stage("a"), stage("b")], circle)).toHaveLength(2);
});

test("of a large workflow each edge is looked at a few times, not once for each stage", () => {
  const COUNT = 1_000;
  let looks = 0;
  const ids = Array.from({ length: COUNT }, (_, it) => `s${it}`);
  const chain = ids.slice(1).map((to, it) => {
    const edge = { from: `s${it}`, port: "out", to };
    const get = (of: typeof edge, key: string) => {
      looks += 1;
      return Reflect.get(of, key);
    };
    return new Proxy(edge, { get } as ProxyHandler<typeof edge>);
  });
  const all = ids.map((it) => stage(it));
  const loads = new Map(ids.map((it) => [it, { busy: 0.9, blocked: it === "s0" ? 0.5 : 0 }]));
  const passing = new Map(ids.map((it) => [it, STILL]));
  expect(outline(all, chain)).toHaveLength(COUNT);
  flow(detail({ stages: all, edges: chain }), { ...STILL, recordsIn: 1 }, [loads], passing);
  loads.delete("s0");
  flow(detail({ stages: all, edges: chain }), { ...STILL, recordsIn: 1 }, [loads], passing);
  expect(looks).toBeLessThan(20 * COUNT);
});

test("what is wrong comes before what flows", () => {
  const fault = {
    code: "x",
    kind: "config" as const,
    message: "no such directory",
    hint: "make it",
  };
  expect(flow(detail({ fault }), STILL)).toEqual({
    tone: "warn",
    text: "no such directory — make it",
  });
  const bad = [stage("read", { counts: { ...NO_COUNTS, deadLetters: 5 } })];
  expect(
    flow(detail({ stages: bad, counts: { ...NO_COUNTS, recordsIn: 100 } }), STILL).text,
  ).toContain("5 records (5.0 %)");
  expect(flow(detail({}), { ...STILL, recordsIn: 20, recordsOut: 10 }).text).toBe(
    "20/s records in, 10/s out.",
  );
});

test("bad records are those that come now, beside what moves and what holds it up", () => {
  const bad = [stage("read", { counts: { ...NO_COUNTS, deadLetters: 5 } })];
  const before = detail({ stages: bad, counts: { ...NO_COUNTS, recordsIn: 100 } });
  const moving = { ...STILL, recordsIn: 20, recordsOut: 10 };
  expect(flow(before, moving)).toEqual({ tone: "ok", text: "20/s records in, 10/s out." });
  expect(flow(before, { ...moving, deadLetters: 1 })).toEqual({
    tone: "warn",
    text: "20/s records in, 10/s out. 5.0 % of its records go to the dead letters.",
  });
});

test("the stage that others wait for is named, with how much", () => {
  const loads = new Map([
    ["read", { busy: 0.05, blocked: 0.8 }],
    ["route", { busy: 0.3, blocked: 0.6 }],
    ["a", { busy: 0.97, blocked: 0 }],
    ["b", { busy: 0.1, blocked: 0 }],
  ]);
  const moving = { ...STILL, recordsIn: 20, recordsOut: 10 };
  expect(flow(detail({}), moving, [loads])).toEqual({
    tone: "warn",
    text: "20/s records in, 10/s out. a sets the pace: it is busy 97 % of its time, and read is held up 80 % of its time.",
  });
  expect(flow(detail({}), moving, [new Map([["b", { busy: 0.1, blocked: 0.02 }]])]).text).toContain(
    "No stage holds up others: the busiest, b, works 10 % of its time.",
  );
  const read = stage("read", { counts: { ...NO_COUNTS, recordsOut: 37_400 } });
  const slow = stage("slow", { counts: { ...NO_COUNTS, recordsIn: 16_900 } });
  const late = detail({
    stages: [read, slow],
    edges: [{ from: "read", port: "out", to: "slow" }],
  });
  const busy = new Map([["slow", { busy: 0.91, blocked: 0 }]]);
  const passing = (recordsOut: number) =>
    new Map([
      ["read", { ...STILL, recordsOut }],
      ["slow", { ...STILL, recordsIn: 95 }],
    ]);
  expect(flow(late, { ...STILL, recordsIn: 205, recordsOut: 94 }, [busy], passing(205))).toEqual({
    tone: "warn",
    text: "205/s records in, 94/s out. slow falls behind by 110/s: it is busy 91 % of its time, and 20,500 records wait for it.",
  });
  expect(
    flow(late, { ...STILL, recordsIn: 100, recordsOut: 95 }, [busy], passing(100)).text,
  ).toContain("No stage holds up");
  const idle = new Map([["slow", { busy: 0.2, blocked: 0 }]]);
  expect(
    flow(late, { ...STILL, recordsIn: 205, recordsOut: 95 }, [idle], passing(205)).text,
  ).toContain("No stage holds up");
  const stuck = new Map([["b", { busy: 0, blocked: 0.5 }]]);
  expect(flow(detail({}), STILL, [stuck]).text, "nothing is behind it").toContain("Waiting");
});

const make = (recordsOut: number) => stage("make", { counts: { ...NO_COUNTS, recordsOut } });
const slow = (recordsIn: number) =>
  stage("slow", { kind: "throttle", counts: { ...NO_COUNTS, recordsIn, recordsOut: recordsIn } });
const held = detail({
  stages: [make(533_000), slow(800), stage("drop", { kind: "devNull" })],
  edges: [
    { from: "make", port: "out", to: "slow" },
    { from: "slow", port: "out", to: "drop" },
  ],
});
const spent = (slow: number, drop: number, blocked = 1) =>
  new Map([
    ["make", { busy: 0, blocked }],
    ["slow", { busy: slow, blocked: 0 }],
    ["drop", { busy: drop, blocked: 0 }],
  ]);
const HELD =
  "slow sets the pace: it holds records back, and make is held up 100 % of its time; 532,200 records wait for slow.";

test("a throttle holds back without being busy, and what is behind it sets no pace", () => {
  expect(flow(held, undefined, [spent(0, 0.001)])).toEqual({ tone: "warn", text: HELD });
  expect(flow(held, undefined, [spent(1, 0)]).text).toBe(HELD);
  const [first] = held.stages;
  const branched = detail({
    stages: [first ?? make(0), stage("a"), stage("b")],
    edges: ["a", "b"].map((to) => ({ from: "make", port: "out", to })),
  });
  const idle = new Map(["a", "b"].map((id) => [id, { busy: 0.002, blocked: 0 }]));
  const looks = [new Map([...idle, ["make", { busy: 0, blocked: 1 }]])];
  expect(flow(branched, undefined, looks).text, "it is either of them").not.toContain("pace");
});

test("one look that differs changes no verdict", () => {
  const [so, other] = [spent(0, 0), spent(0, 0, 0)];
  expect(flow(held, undefined, [other, so, so, so, so]).text).toBe(HELD);
  expect(flow(held, undefined, [other, other, other, so, so]).text).not.toContain("pace");
  expect(flow(held, undefined, [so, new Map(), new Map()]).text, "seen for seconds").toBe(HELD);
});

test("where far more comes in than goes out, it is said for what it waits", () => {
  const moving = { ...STILL, recordsIn: 3_438, recordsOut: 4.2 };
  expect(flow(held, moving).text).toBe(
    "3,438/s records in, 4.2/s out. 532,200 records wait for slow.",
  );
  const passing = new Map([
    ["make", { ...STILL, recordsOut: 3_438 }],
    ["slow", { ...STILL, recordsIn: 4 }],
  ]);
  expect(flow(held, moving, [], passing).text).toBe(
    "3,438/s records in, 4.2/s out. slow falls behind by 3,434/s: it holds records back, and 532,200 records wait for it.",
  );
  const filtered = detail({ ...held, stages: [make(800), slow(800)] });
  expect(flow(filtered, moving).text).toBe("3,438/s records in, 4.2/s out.");
});
