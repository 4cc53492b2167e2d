// How one workflow became another, as one graph: pure functions of its two sides.
//
// - G1: each stage and each connection of either side is in it once; what both sides have is one thing.
// - G2: a stage is known by its name. What went under one name and came under another is renamed where what it says is
//   (nearly) the same and no other one looks as much like it; else it is one that went and one that came.
import type { Design, DesignEdge, DesignStage } from "../designer/design";
import { design, inFlow } from "../designer/design";
import { differences, namesAt, reordered } from "../editor/conflict";
import { isDrawn } from "../editor/schema";
import { parsed, valueAt, writtenOf } from "../editor/text";

export type Change = "same" | "added" | "removed" | "changed" | "renamed";

export interface Field {
  /** As `processor.filterRoute.otherwise`. */
  path: string;
  before: unknown;
  after: unknown;
}

export interface DiffStage {
  /** As it is, or was if it is gone; with the ports of both. */
  stage: DesignStage;
  change: Change;
  formerName?: string;
  /** What it says otherwise than before: of one that came or went, nothing. */
  fields: Field[];
  /** One side does not tell what is set in it: that it is the same is not said. */
  isUnknown?: boolean;
}

export interface DiffEdge extends DesignEdge {
  change: "same" | "added" | "removed";
}

export interface GraphDiff {
  /** In the order in which records come to them. */
  stages: DiffStage[];
  edges: DiffEdge[];
  /** What is said of the workflow itself. */
  settings: Field[];
}

export interface Side {
  design: Design;
  /** All that is said beside the stages. */
  rest: unknown;
  /** The asset whose stages it has too: they are not among those of `design`. */
  parent?: string;
  /** Only which stages and connections there are is known, and nothing of what is set in them. */
  isBare?: boolean;
}

type Keyed = Record<string, unknown>;
const isKeyed = (it: unknown): it is Keyed =>
  typeof it === "object" && it !== null && !Array.isArray(it);
const keyed = (it: unknown): Keyed => (isKeyed(it) ? it : {});

/** What a text says, or why it can't be drawn. */
export function sideOf(text: string): Side | { problem: string } {
  const { value, problem } = parsed(text);
  if (problem) return { problem: `line ${problem.line} can’t be read: ${problem.message}` };
  const { kind, metadata, spec, ...more } = keyed(value);
  if (!isDrawn(String(kind))) return { problem: "it is no workflow" };
  const { stages, ...others } = keyed(spec);
  if (stages !== undefined && stages !== null && !Array.isArray(stages))
    return { problem: "its stages are no list" };
  const parent = keyed(metadata).extends;
  return {
    design: design(spec),
    rest: { ...more, kind, metadata, spec: others },
    parent: typeof parent === "string" ? parent : undefined,
  };
}

export interface Drawable {
  diff: GraphDiff;
  /** Assets that a side extends, of whose stages only those are drawn that it says something of. */
  parents: string[];
}

/** Two texts as one graph, or why they can't be drawn; absent: it was not there, or is not any more. */
export function drawable(
  before: string | undefined,
  after: string | undefined,
): Drawable | { problem: string } {
  const [was, is] = [before, after].map((it) => (it === undefined ? undefined : sideOf(it)));
  if (was && "problem" in was) return { problem: `as it was before, ${was.problem}` };
  if (is && "problem" in is) return { problem: `as it is after, ${is.problem}` };
  const parents = new Set([was?.parent, is?.parent].flatMap((it) => it ?? []));
  return { diff: graphDiff(was, is), parents: [...parents] };
}

/** Absent: the workflow was not there, or is not any more. */
export function graphDiff(before: Side | undefined, after: Side | undefined): GraphDiff {
  const [was, is] = [sole(before), sole(after)];
  const isBare = before?.isBare || after?.isBare || false;
  const renames = isBare ? new Map<string, string>() : renamed(was, is);
  const now = (id: string) => renames.get(id) ?? id;
  const former = new Map([...was.byName.values()].map((it) => [now(it.id), it]));
  const stages = [...is.byName.values()].map((stage) => {
    const one = former.get(stage.id);
    return one ? compared(one, stage, { was, is, now, isBare }) : alone(stage, "added");
  });
  for (const [id, one] of former) if (!is.byName.has(id)) stages.push(alone(one, "removed"));
  const edges = edgesOf(was, is, now);
  withPorts(stages, edges);
  const settings =
    isBare || !before || !after ? [] : fieldsOf(keyed(before.rest), keyed(after.rest));
  const byName = new Map(stages.map((it) => [it.stage.id, it]));
  const flow = inFlow({ stages: stages.map((it) => it.stage), edges });
  return { stages: flow.flatMap((it) => byName.get(it.id) ?? []), edges, settings };
}

/** Without what did not change, but for the stages that a changed connection joins. */
export function narrowed({ stages, edges, settings }: GraphDiff): GraphDiff {
  const ends = new Set(
    edges.filter((it) => it.change !== "same").flatMap(({ from, to }) => [from, to]),
  );
  const left = stages.filter((it) => it.change !== "same" || ends.has(it.stage.id));
  const names = new Set(left.map((it) => it.stage.id));
  return {
    stages: left,
    edges: edges.filter((it) => names.has(it.from) && names.has(it.to)),
    settings,
  };
}

/** How many there are of each. */
export function counted<C extends string>(
  all: readonly { change: C }[],
): Partial<Record<C, number>> {
  const found: Partial<Record<C, number>> = {};
  for (const { change } of all) found[change] = (found[change] ?? 0) + 1;
  return found;
}

/** What is asked of one side again and again. */
interface Known {
  byName: ReadonlyMap<string, DesignStage>;
  edges: readonly DesignEdge[];
  /** By the stage that they lead to, and by the one that they leave. */
  into: ReadonlyMap<string, readonly DesignEdge[]>;
  outOf: ReadonlyMap<string, readonly DesignEdge[]>;
}

/** Two stages of one name are one here: the text is wrong then, and its findings say so. */
function sole(side: Side | undefined): Known {
  const byName = new Map<string, DesignStage>();
  for (const it of side?.design.stages ?? []) if (!byName.has(it.id)) byName.set(it.id, it);
  const known = (side?.design.edges ?? []).filter((it) => byName.has(it.from) && byName.has(it.to));
  const edges = [...new Map(known.map((it) => [keyOf(it), it])).values()];
  return {
    byName,
    edges,
    into: grouped(edges, (it) => it.to),
    outOf: grouped(edges, (it) => it.from),
  };
}

function grouped<T>(all: readonly T[], by: (it: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const it of all) {
    const key = by(it);
    const known = found.get(key);
    if (known) known.push(it);
    else found.set(key, [it]);
  }
  return found;
}

export const keyOf = ({ from, port, to }: DesignEdge) => JSON.stringify([from, port, to]);

const alone = (stage: DesignStage, change: Change): DiffStage => ({
  stage: { ...stage, ports: [...stage.ports] },
  change,
  fields: [],
});

interface Both {
  was: Known;
  is: Known;
  now: (id: string) => string;
  isBare: boolean;
}

function compared(before: DesignStage, after: DesignStage, both: Both): DiffStage {
  const { was, is, now, isBare } = both;
  const fields = isBare ? kindOf(before, after) : fieldsOf(bodyOf(before), bodyOf(after));
  const fedBy = (all: Known, id: string, name: (id: string) => string) =>
    (all.into.get(id) ?? []).map((it) => endOf(name(it.from), it.port));
  const [fed, feeds] = [fedBy(was, before.id, now), fedBy(is, after.id, (it) => it)];
  if (fed.toSorted().join("\n") !== feeds.toSorted().join("\n"))
    fields.unshift({ path: "from", before: shortest(fed), after: shortest(feeds) });
  const isRenamed = before.id !== after.id;
  return {
    stage: { ...after, ports: [...new Set([...after.ports, ...before.ports])] },
    change: isRenamed ? "renamed" : fields.length > 0 ? "changed" : "same",
    formerName: isRenamed ? before.id : undefined,
    fields,
    isUnknown: isBare || undefined,
  };
}

const endOf = (id: string, port: string) => (port === "out" ? id : `${id}.${port}`);

/** As one writes it. */
const shortest = (all: readonly string[]) =>
  all.length === 0 ? undefined : all.length === 1 ? all[0] : all;

/** Of what an engine runs, its kind is known; what an asset says is known by the asset's name alone. */
function kindOf(before: DesignStage, after: DesignStage): Field[] {
  const isSaid = !before.asset && !after.asset && before.kind && after.kind;
  if (before.role !== after.role) return [{ path: "role", before: before.role, after: after.role }];
  if (!isSaid || before.kind === after.kind) return [];
  return [{ path: "kind", before: before.kind, after: after.kind }];
}

/** What a stage says beside its name and what feeds it. */
function bodyOf({ config }: DesignStage): Keyed {
  const { name: _, from: __, ...body } = config;
  return body;
}

/** Which of a list's entries comes first may be all that matters: its order is a field of its own. */
const fieldsOf = (before: Keyed, after: Keyed): Field[] => [
  ...differences(before, after).map((at) => ({
    path: writtenOf(at),
    before: valueAt(before, at),
    after: valueAt(after, at),
  })),
  ...reordered(before, after).map((at) => ({
    path: `${writtenOf(at)}, its order`,
    before: namesAt(before, at),
    after: namesAt(after, at),
  })),
];

function edgesOf(was: Known, is: Known, now: (id: string) => string): DiffEdge[] {
  const before = new Map(
    was.edges.map((it) => {
      const moved = { from: now(it.from), port: it.port, to: now(it.to) };
      return [keyOf(moved), moved];
    }),
  );
  const edges: DiffEdge[] = is.edges.map((it) => ({
    ...it,
    change: before.has(keyOf(it)) ? "same" : "added",
  }));
  const after = new Set(is.edges.map(keyOf));
  for (const [key, it] of before) if (!after.has(key)) edges.push({ ...it, change: "removed" });
  return edges;
}

/** A connection needs a port to leave by, also where it is one that the stage has no more. */
function withPorts(stages: readonly DiffStage[], edges: readonly DiffEdge[]): void {
  const byName = new Map(stages.map((it) => [it.stage.id, it.stage]));
  for (const { from, port } of edges) {
    const stage = byName.get(from);
    if (stage && !stage.ports.includes(port)) stage.ports.push(port);
  }
}

/** Of so many pairs it is looked which are alike; beyond that, only those that are the same are found. */
const PAIRS_MAX = 40_000;
/** One that says less than this may be the same as another by chance: it must stand in the same place, too. */
const SAYS_ENOUGH = 2;
/** So much of what either says is the same. */
const ALIKE = 0.6;

/** Names before to names after, of those that went and came. */
function renamed(was: Known, is: Known): Map<string, string> {
  const found = new Map<string, string>();
  let gone = [...was.byName.values()].filter((it) => !is.byName.has(it.id)).map(look);
  let came = [...is.byName.values()].filter((it) => !was.byName.has(it.id)).map(look);
  const isNear = (one: Look, other: Look) => near(was, is, found, one.id, other.id);
  // Each that is found may tell where another one stands.
  for (;;) {
    const same = pairs(gone, came, isNear);
    const more = same.length > 0 ? same : alike(gone, came, isNear);
    if (more.length === 0) return found;
    for (const [one, other] of more) found.set(one.id, other.id);
    const taken = new Set(more.flat());
    gone = gone.filter((it) => !taken.has(it));
    came = came.filter((it) => !taken.has(it));
  }
}

type Pair = [gone: Look, came: Look];
type IsNear = (one: Look, other: Look) => boolean;

/** Those that say the same, where it is plain which is which. */
function pairs(gone: readonly Look[], came: readonly Look[], isNear: IsNear): Pair[] {
  const open = grouped(came, (it) => it.all);
  return [...grouped(gone, (it) => it.all)].flatMap(([all, before]) => {
    const after = open.get(all) ?? [];
    const [one, other] = [before[0], after[0]];
    if (!one || !other) return [];
    const isOnly = before.length === 1 && after.length === 1;
    if (isOnly) return one.parts.size >= SAYS_ENOUGH || isNear(one, other) ? [[one, other]] : [];
    return onlyPairs(before, after, isNear);
  });
}

/** Those of which each fits to one alone. */
function onlyPairs(gone: readonly Look[], came: readonly Look[], fits: IsNear): Pair[] {
  if (gone.length * came.length > PAIRS_MAX) return [];
  return gone.flatMap((one): Pair[] => {
    const [other, ...others] = came.filter((it) => fits(one, it));
    const isOnly =
      other && others.length === 0 && gone.every((it) => it === one || !fits(it, other));
    return isOnly ? [[one, other]] : [];
  });
}

/** Those that say nearly the same in the same place. */
function alike(gone: readonly Look[], came: readonly Look[], isNear: IsNear): Pair[] {
  const isAlike = (one: Look, other: Look) =>
    one.what === other.what && shared(one.parts, other.parts) >= ALIKE && isNear(one, other);
  return onlyPairs(gone, came, isAlike);
}

/** What a stage looks like, whatever it is called. */
interface Look {
  id: string;
  what: string;
  /** What it is and all that is set. */
  all: string;
  /** Each value that is set, with its path. */
  parts: ReadonlySet<string>;
}

function look(stage: DesignStage): Look {
  const body = bodyOf(stage);
  const parts = new Set(partsOf(body, ""));
  const what = `${stage.role} ${stage.kind}`;
  return { id: stage.id, what, all: [what, ...[...parts].sort()].join("\n"), parts };
}

function partsOf(value: unknown, at: string): string[] {
  if (Array.isArray(value)) return value.flatMap((it, index) => partsOf(it, `${at}/${index}`));
  if (!isKeyed(value) || Object.keys(value).length === 0) return [`${at}=${JSON.stringify(value)}`];
  return Object.entries(value).flatMap(([key, it]) => partsOf(it, `${at}/${key}`));
}

function shared(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const both = [...a].filter((it) => b.has(it)).length;
  return both / Math.max(a.size, b.size, 1);
}

/** Whether something that feeds it, or that it feeds, is the same. */
function near(
  was: Known,
  is: Known,
  renames: ReadonlyMap<string, string>,
  before: string,
  after: string,
): boolean {
  const now = (id: string) => renames.get(id) ?? id;
  const fed = new Set((is.into.get(after) ?? []).map((it) => endOf(it.from, it.port)));
  const feeds = new Set((is.outOf.get(after) ?? []).map((it) => it.to));
  return (
    (was.into.get(before) ?? []).some((it) => fed.has(endOf(now(it.from), it.port))) ||
    (was.outOf.get(before) ?? []).some((it) => feeds.has(now(it.to)))
  );
}
