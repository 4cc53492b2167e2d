// A workflow's text as a graph, and the changes of the graph as changes of the text: pure functions.
//
// - D1: an edge leads from a port that the stage has to a stage that takes records in, and there is no way round.
// - D2: whatever is done here leaves a text that says nothing of stages that are gone.
import { isMap } from "yaml";
import { resolved, type Schema } from "../editor/schema";
import { edited, listAt, type Path, withValue } from "../editor/text";

export type Role = "source" | "operator" | "sink";
type Keyed = Record<string, unknown>;

export interface DesignStage {
  id: string;
  role: Role;
  /** As `filterRoute`, or the name of the asset that says it. */
  kind: string;
  /** The asset that it names. */
  asset?: string;
  ports: string[];
  config: Keyed;
}

export interface DesignEdge {
  from: string;
  port: string;
  to: string;
}

export interface Design {
  stages: DesignStage[];
  edges: DesignEdge[];
  /** Stages that the workflow has from the one that it extends: what is not said of them is as it is there. */
  inherited?: ReadonlySet<string>;
}

const SLOTS = [
  ["source", "source"],
  ["processor", "operator"],
  ["sink", "sink"],
] as const;

const isKeyed = (it: unknown): it is Keyed =>
  typeof it === "object" && it !== null && !Array.isArray(it);
const texts = (it: unknown): string[] =>
  [it].flat().filter((one): one is string => typeof one === "string" && one !== "");

export function design(spec: unknown): Design {
  const list = isKeyed(spec) && Array.isArray(spec.stages) ? spec.stages : [];
  const named = list.filter((it): it is Keyed => isKeyed(it) && typeof it.name === "string");
  const stages = named.map(stageOf);
  const byName = new Map(stages.map((it) => [it.id, it]));
  const edges = named.flatMap((it) =>
    texts(it.from).map((from) => ({ ...endOf(byName, from), to: String(it.name) })),
  );
  // A port that something leads from is shown, also where the stage does not have it.
  for (const { from, port } of edges) {
    const stage = byName.get(from);
    if (stage && !stage.ports.includes(port)) stage.ports.push(port);
  }
  return { stages, edges };
}

/** `route.late` is the port `late` of `route`, unless there is a stage of that whole name. */
function endOf(
  stages: ReadonlyMap<string, DesignStage>,
  from: string,
): { from: string; port: string } {
  if (stages.has(from)) return { from, port: "out" };
  const dot = from.lastIndexOf(".");
  return dot < 0 ? { from, port: "out" } : { from: from.slice(0, dot), port: from.slice(dot + 1) };
}

function stageOf(config: Keyed): DesignStage {
  const [slot, role] = SLOTS.find(([key]) => config[key] !== undefined) ?? ["", "operator"];
  const said = slot && config[slot];
  const asset = typeof said === "string" ? said : undefined;
  const kind = asset ?? (isKeyed(said) ? (Object.keys(said)[0] ?? "") : "");
  return { id: String(config.name), role, kind, asset, ports: portsOf(role, said), config };
}

function portsOf(role: Role, said: unknown): string[] {
  if (role === "sink") return [];
  if (!isKeyed(said)) return ["out"];
  const route = said.filterRoute;
  if (isKeyed(route)) {
    const rules = Array.isArray(route.rules) ? route.rules.filter(isKeyed) : [];
    const ports = [...rules.flatMap((it) => texts(it.to)), String(route.otherwise ?? "otherwise")];
    return [...new Set(ports)].filter((it) => it !== "drop");
  }
  const script = said.javascript;
  if (isKeyed(script) && isKeyed(script.outputs)) return Object.keys(script.outputs);
  return ["out"];
}

/** Whether what a source is made of reads a format; of an asset that can't be told here. */
export function hasFormat(root: Schema, { config, asset, kind }: DesignStage): boolean | undefined {
  const known = root.$defs?.SourceSpec?.properties?.[kind];
  if (asset || !known || !isKeyed(config.source)) return undefined;
  return resolved(root, known).properties?.format !== undefined;
}

/** Why nothing may lead from there to here; nothing where it may. */
export function misfit(it: Design, edge: DesignEdge): string | undefined {
  const [from, to] = [edge.from, edge.to].map((id) => it.stages.find((one) => one.id === id));
  if (!from || !to) return "there is no such stage";
  if (from === to) return "a stage can't feed itself";
  if (to.role === "source") return `${to.id} is a source: nothing leads there`;
  if (!from.ports.includes(edge.port)) return `${from.id} has no port ${edge.port}`;
  if (it.edges.some((one) => sameEdge(one, edge))) return "they are connected already";
  if (reaches(it, edge.to, edge.from)) return `${to.id} feeds ${from.id}: records would go round`;
  return undefined;
}

export const sameEdge = (a: DesignEdge, b: DesignEdge) =>
  a.from === b.from && a.port === b.port && a.to === b.to;

function reaches({ edges }: Design, from: string, to: string): boolean {
  const next = new Map<string, string[]>();
  for (const it of edges) next.set(it.from, [...(next.get(it.from) ?? []), it.to]);
  const seen = new Set<string>();
  const open = [from];
  while (open.length > 0) {
    const at = open.pop() as string;
    if (at === to) return true;
    if (!seen.has(at)) open.push(...(next.get(at) ?? []));
    seen.add(at);
  }
  return false;
}

const STAGES: Path = ["spec", "stages"];
const stage = (name: string, ...more: string[]): Path => [...STAGES, { name }, ...more];
const written = ({ from, port }: { from: string; port: string }) =>
  port === "out" ? from : `${from}.${port}`;

/** All of a stage's inputs, as one says them: nothing, one, or a list. */
function withInputs(text: string, it: Design, to: string, edges: readonly DesignEdge[]): string {
  const all = edges.filter((one) => one.to === to).map(written);
  const was = it.stages.find((one) => one.id === to)?.config.from;
  if (JSON.stringify(texts(was)) === JSON.stringify(all)) return text;
  // What the parent says is taken back by saying that it is not so.
  const none = it.inherited?.has(to) ? null : undefined;
  return withValue(text, stage(to, "from"), all.length > 1 ? all : (all[0] ?? none), "name");
}

export function connected(text: string, it: Design, edge: DesignEdge): string {
  return misfit(it, edge) ? text : withInputs(text, it, edge.to, [...it.edges, edge]);
}

export function disconnected(text: string, it: Design, gone: readonly DesignEdge[]): string {
  const left = it.edges.filter((one) => !gone.some((other) => sameEdge(one, other)));
  return [...new Set(gone.map((one) => one.to))].reduce(
    (now, to) => withInputs(now, it, to, left),
    text,
  );
}

/** A name that no stage has yet. */
export function freeName(taken: readonly string[], wanted: string): string {
  const [, stem = wanted] = /^(.*?)-?\d*$/.exec(wanted) ?? [];
  let name = wanted;
  for (let it = 2; taken.includes(name); it++) name = `${stem}-${it}`;
  return name;
}

export interface NewStage {
  name: string;
  role: Role;
  /** What stands under `source`, `processor` or `sink`. */
  slot: unknown;
}

const slotOf = (role: Role) => (role === "operator" ? "processor" : role);

/** Adds a stage; behind another one, or on an edge, whose records then go through it. */
export function added(
  text: string,
  it: Design,
  add: NewStage,
  where: { behind?: { from: string; port: string }; on?: DesignEdge } = {},
): string {
  const behind = add.role === "source" ? undefined : (where.on ?? where.behind);
  const config: Keyed = { name: add.name };
  if (behind) config.from = written(behind);
  config[slotOf(add.role)] = add.slot;
  const now = appended(text, [config], where.on?.from);
  if (!where.on || add.role !== "operator") return now;
  const { on } = where;
  const edges = it.edges.map((one) =>
    sameEdge(one, on) ? { from: add.name, port: "out", to: on.to } : one,
  );
  return withInputs(now, it, on.to, edges);
}

/** Last, or behind the stage that is named, where the text has it. */
function appended(text: string, stages: readonly Keyed[], behind?: string): string {
  return edited(text, (document) => {
    const list = listAt(document, ["spec", "stages"]);
    if (!list) return;
    list.flow = false;
    // As those above it are written: with a line between, or without.
    const [, second] = list.items as { spaceBefore?: boolean }[];
    const before = list.items.findIndex((it) => isMap(it) && it.get("name") === behind);
    const nodes = stages.map((config, at) => {
      const node = document.createNode(config) as { spaceBefore?: boolean };
      const isFirst = list.items.length + at === 0;
      node.spaceBefore = !isFirst && (!second || second.spaceBefore === true);
      return node;
    });
    list.items.splice(before < 0 ? list.items.length : before + 1, 0, ...nodes);
  });
}

/** Takes stages out, with all that leads from them and to them. */
export function removed(text: string, it: Design, names: readonly string[]): string {
  const left = it.edges.filter((one) => !names.includes(one.from) && !names.includes(one.to));
  const fed = it.edges.filter((one) => names.includes(one.from) && !names.includes(one.to));
  const cut = [...new Set(fed.map((one) => one.to))].reduce(
    (now, to) => withInputs(now, it, to, left),
    text,
  );
  const own = edited(cut, (document) => {
    const list = document.getIn(STAGES as string[], true) as { items: unknown[] } | null;
    if (!list?.items) return;
    list.items = list.items.filter((one) => {
      const name = (one as { get?: (key: string) => unknown }).get?.("name");
      return !names.includes(String(name));
    });
    const [first] = list.items as { spaceBefore?: boolean }[];
    if (first) first.spaceBefore = false;
  });
  const fromParent = names.filter((name) => it.inherited?.has(name));
  const inherited = fromParent.map((name) => ({ name, removed: true }));
  return inherited.length > 0 ? appended(own, inherited) : own;
}

/** Another name, wherever the stage is named. */
export function renamed(text: string, it: Design, from: string, to: string): string {
  if (from === to || it.stages.some((one) => one.id === to)) return text;
  const edges = it.edges.map((one) => ({ ...one, from: one.from === from ? to : one.from }));
  const fed = it.edges.filter((one) => one.from === from).map((one) => one.to);
  const now = [...new Set(fed)].reduce((text, one) => withInputs(text, it, one, edges), text);
  return withValue(now, stage(from, "name"), to);
}

/** What is copied: the stages as they are written, to be pasted here or in another workflow. */
export function copied(it: Design, names: readonly string[]): Keyed[] {
  return it.stages.filter((one) => names.includes(one.id)).map((one) => one.config);
}

/** Copies under free names; what led from one to another of them does so between the copies. What nothing fed is fed by
 * `feed`, where that is said. */
export function pasted(
  text: string,
  it: Design,
  stages: readonly Keyed[],
  feed?: { from: string; port: string },
): { text: string; names: string[]; stages: Keyed[] } {
  const taken = it.stages.map((one) => one.id);
  const names = new Map<string, string>();
  for (const one of stages) {
    const name = freeName(taken, String(one.name));
    taken.push(name);
    names.set(String(one.name), name);
  }
  const among = design({ stages });
  const copies = stages.map((one) => {
    const { from, ...rest } = one;
    const isOpen = texts(from).length === 0 && one.source === undefined;
    const inner = among.edges
      .filter((edge) => edge.to === one.name && names.has(edge.from))
      .map((edge) => written({ from: names.get(edge.from) as string, port: edge.port }));
    const { name: __, ...config } = rest;
    const name = names.get(String(one.name));
    if (feed && isOpen) inner.push(written(feed));
    if (inner.length === 0) return { name, ...config };
    return { name, from: inner.length > 1 ? inner : inner[0], ...config };
  });
  return { text: appended(text, copies), names: [...names.values()], stages: copies };
}

/** Stages in the order in which records come to them, for going through them by the keyboard. */
export function inFlow({ stages, edges }: Design): DesignStage[] {
  const byName = new Map(stages.map((it) => [it.id, it]));
  const waits = new Map(stages.map((it) => [it.id, 0]));
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) {
    if (!byName.has(from) || !byName.has(to)) continue;
    waits.set(to, (waits.get(to) ?? 0) + 1);
    next.set(from, [...(next.get(from) ?? []), to]);
  }
  // A set is gone through in the order in which it grows.
  const done = new Set(stages.filter((it) => waits.get(it.id) === 0));
  for (const { id } of done) {
    for (const to of next.get(id) ?? []) {
      const left = (waits.get(to) ?? 0) - 1;
      waits.set(to, left);
      const stage = byName.get(to);
      if (left === 0 && stage) done.add(stage);
    }
  }
  // What goes round comes last.
  return [...done, ...stages.filter((it) => !done.has(it))];
}
