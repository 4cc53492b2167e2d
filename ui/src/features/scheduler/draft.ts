// Changes of the schedule that are not made yet: pure but for the last two functions.
//
// - S1: a draft holds what is other than what is set, and nothing else.
import type { Schemas } from "../../api/client";
import { sh } from "../../logic/shell";

export type Draft = Record<string, Schemas["ScheduleChange"]>;
type Workflow = Schemas["ScheduledWorkflow"];
type Limit = Schemas["Limit"];

/** What a draft wants of a workflow, and what is set where it says nothing. */
export function wanted(
  draft: Draft,
  it: Workflow,
): { target: number; isUnset: boolean; weight: number } {
  const change = draft[it.workflow];
  const target = typeof change?.target === "number" ? change.target : it.target;
  const weight = change?.weight ?? it.settings.weight;
  return { target, isUnset: change?.target === "unset", weight };
}

/** The draft with another number; what is as it was is no change. */
export function changed(
  draft: Draft,
  it: Workflow,
  more: { target?: number | "unset"; weight?: number },
): Draft {
  const now = wanted(draft, it);
  const to = more.target ?? (now.isUnset ? "unset" : now.target);
  const target = to === "unset" ? to : Math.max(0, Math.floor(to));
  const weight = Math.max(1, Math.floor(more.weight ?? now.weight));
  const isSet = target === "unset" ? typeof it.settings.target !== "number" : target === it.target;
  const { target: _, weight: __, ...kept } = draft[it.workflow] ?? {};
  return put(draft, it, {
    ...kept,
    ...(isSet ? {} : { target }),
    ...(weight === it.settings.weight ? {} : { weight }),
  });
}

function put(draft: Draft, it: Workflow, change: Schemas["ScheduleChange"]): Draft {
  const { [it.workflow]: _, ...others } = draft;
  return Object.keys(change).length === 0 ? others : { ...others, [it.workflow]: change };
}

/** How many a node must and may run, by whom it is about. */
export interface Rule {
  kind: "default" | "roles" | "nodes";
  /** Of the role or the node. */
  name: string;
  limit: Limit;
  isOther: boolean;
}

/** All rules as the draft wants them, the widest first. */
export function rules(draft: Draft, { workflow, settings }: Workflow): Rule[] {
  const change = draft[workflow];
  const one = (kind: Rule["kind"], name: string, set?: Limit, now?: Limit | null): Rule => ({
    kind,
    name,
    limit: now ?? set ?? {},
    isOther: now !== undefined && now !== null,
  });
  const of = (kind: "roles" | "nodes") =>
    [...new Set([...Object.keys(settings[kind] ?? {}), ...Object.keys(change?.[kind] ?? {})])]
      .sort()
      .map((name) => one(kind, name, settings[kind]?.[name], change?.[kind]?.[name]));
  return [one("default", "", settings.default, change?.default), ...of("roles"), ...of("nodes")];
}

/** The draft with that rule; an empty one takes it away. */
export function limited(
  draft: Draft,
  it: Workflow,
  { kind, name }: Pick<Rule, "kind" | "name">,
  limit: Limit,
): Draft {
  const { settings } = it;
  const set = (kind === "default" ? settings.default : settings[kind]?.[name]) ?? {};
  const isSame = (set.min ?? null) === (limit.min ?? null) && sameMost(set.max, limit.max);
  const { [kind]: before, ...kept } = draft[it.workflow] ?? {};
  if (kind === "default") return put(draft, it, isSame ? kept : { ...kept, default: limit });
  const { [name]: _, ...others } = (before ?? {}) as Record<string, Limit>;
  const now = isSame ? others : { ...others, [name]: limit };
  return put(draft, it, Object.keys(now).length === 0 ? kept : { ...kept, [kind]: now });
}

const sameMost = (a: Limit["max"], b: Limit["max"]) => (a ?? null) === (b ?? null);

/** A rule in short. */
export function said({ kind, name, limit }: Rule): string {
  const most = limit.max ?? (kind === "default" ? "unlimited" : undefined);
  const range = `${limit.min ?? (kind === "default" ? 0 : "·")}..${most === "unlimited" ? "∞" : (most ?? "·")}`;
  return kind === "default" ? range : `${kind === "roles" ? "role " : ""}${name} ${range}`;
}

/** A rule as it is typed. */
export interface Typed {
  kind: Rule["kind"];
  name: string;
  min: string;
  max: string;
}

export const typed = ({ kind, name, limit }: Rule): Typed => ({
  kind,
  name,
  min: String(limit.min ?? ""),
  max: String(limit.max ?? ""),
});

/** What was typed as a limit; nothing where it is none. */
export function boundsOf({ min, max }: Pick<Typed, "min" | "max">): Limit | undefined {
  const isNumber = (it: string) => /^\d+$/.test(it);
  const isLeast = min === "" || isNumber(min);
  const isMost = max === "" || max === "unlimited" || isNumber(max);
  if (!isLeast || !isMost) return undefined;
  if (isNumber(min) && isNumber(max) && Number(max) < Number(min)) return undefined;
  return {
    ...(min === "" ? {} : { min: Number(min) }),
    ...(max === "" ? {} : { max: max === "unlimited" ? max : Number(max) }),
  };
}

/** The draft as it is to be applied: only to workflows that are as they were seen. */
export function seenOf(draft: Draft, schedule: Schemas["Schedule"]): Draft {
  const revisions = new Map(schedule.workflows.map((it) => [it.workflow, it.revision]));
  const of = ([workflow, change]: [string, Schemas["ScheduleChange"]]) =>
    [workflow, { ...change, revision: revisions.get(workflow) }] as const;
  return Object.fromEntries(Object.entries(draft).map(of));
}

/** What of the draft is a change still: somebody else may have made the same one meanwhile. */
export function still(draft: Draft, { workflows }: Pick<Schemas["Schedule"], "workflows">): Draft {
  const known = new Map(workflows.map((it) => [it.workflow, it]));
  let left: Draft = {};
  for (const [workflow, change] of Object.entries(draft)) {
    const it = known.get(workflow);
    if (it) {
      const { target, weight } = change;
      left = changed(left, it, { target: target ?? undefined, weight: weight ?? undefined });
      for (const [rule, limit] of limitsOf(change)) left = limited(left, it, rule, limit);
    } else left[workflow] = change;
  }
  return left;
}

function limitsOf({ default: each, roles = {}, nodes = {} }: Schemas["ScheduleChange"]) {
  const of = (kind: Rule["kind"], all: Record<string, Limit>) =>
    Object.entries(all).map(([name, it]) => [{ kind, name }, it] as const);
  return [...of("default", each ? { "": each } : {}), ...of("roles", roles), ...of("nodes", nodes)];
}

/** Whether the schedule has gone on since that preview: what it told may not hold, and is refused. */
export function isPast(
  plan: Pick<Schemas["SchedulePlan"], "revision">,
  seen: Draft,
  schedule: Pick<Schemas["Schedule"], "revision" | "workflows">,
): boolean {
  const isNewer = (it: Workflow) => it.revision > (seen[it.workflow]?.revision ?? it.revision);
  return schedule.revision > plan.revision || schedule.workflows.some(isNewer);
}

/** As commands, one for each workflow and each of its rules for a node or a role. */
export function commands(draft: Draft): string {
  const bounds = ({ min, max }: Limit) => ["--min", min ?? "none", "--max", max ?? "none"];
  const of = ([workflow, change]: [string, Schemas["ScheduleChange"]]) => {
    const { target, weight, default: each, roles, nodes } = change;
    const set = (given: (string | number)[]) => sh`weir scheduler set ${workflow} ${given}`;
    const wide = [
      ...(target === undefined || target === null ? [] : ["--target", target]),
      ...(weight ? ["--weight", weight] : []),
      ...(each ? bounds(each) : []),
    ];
    const narrow = (flag: string, all: Record<string, Limit> = {}) =>
      Object.entries(all).map(([name, it]) => set([`--${flag}`, name, ...bounds(it)]));
    return [
      ...(wide.length > 0 ? [set(wide)] : []),
      ...narrow("role", roles),
      ...narrow("node", nodes),
    ];
  };
  return Object.entries(draft).flatMap(of).join(" && ");
}

const keyOf = (user: string, cluster: string) => `weir.schedule.${JSON.stringify([user, cluster])}`;

/** Keeps it for the tab, through other views and a reload, until it is applied or discarded. */
export function keepDraft(user: string, cluster: string, draft: Draft): void {
  const key = keyOf(user, cluster);
  try {
    if (Object.keys(draft).length > 0) sessionStorage.setItem(key, JSON.stringify(draft));
    else sessionStorage.removeItem(key);
  } catch {
    // The browser has no more room: it stays for as long as the view does.
  }
}

export const keptDraft = (user: string, cluster: string): Draft =>
  JSON.parse(sessionStorage.getItem(keyOf(user, cluster)) ?? "{}") as Draft;
