// Changes of the schedule that are not made yet.
import type { Schemas } from "../../api/client";

export type Draft = Record<string, Schemas["ScheduleChange"]>;
type Workflow = Schemas["ScheduledWorkflow"];

/** What a draft wants of a workflow, and what is set where it says nothing. */
export function wanted(draft: Draft, it: Workflow): { target: number; weight: number } {
  const change = draft[it.workflow];
  const target = typeof change?.target === "number" ? change.target : it.target;
  return { target, weight: change?.weight ?? it.settings.weight };
}

/** The draft with another number; what is as it was is no change. */
export function changed(
  draft: Draft,
  it: Workflow,
  more: { target?: number; weight?: number },
): Draft {
  const next = { ...wanted(draft, it), ...more };
  const target = Math.max(0, Math.floor(next.target));
  const weight = Math.max(1, Math.floor(next.weight));
  const { [it.workflow]: before, ...others } = draft;
  const { target: _, weight: __, ...kept } = before ?? {};
  const change = {
    ...kept,
    ...(target === it.target ? {} : { target }),
    ...(weight === it.settings.weight ? {} : { weight }),
  };
  return Object.keys(change).length === 0 ? others : { ...others, [it.workflow]: change };
}

/** The draft as it is to be applied: only to workflows that are as they were seen. */
export function seenOf(draft: Draft, schedule: Schemas["Schedule"]): Draft {
  const revisions = new Map(schedule.workflows.map((it) => [it.workflow, it.revision]));
  const of = ([workflow, change]: [string, Schemas["ScheduleChange"]]) =>
    [workflow, { ...change, revision: revisions.get(workflow) }] as const;
  return Object.fromEntries(Object.entries(draft).map(of));
}

/** As commands, one for each workflow. */
export function commands(draft: Draft): string {
  const one = ([workflow, change]: [string, Schemas["ScheduleChange"]]) => {
    const target = typeof change.target === "number" ? ` --target ${change.target}` : "";
    return `weir scheduler set ${workflow}${target}${change.weight ? ` --weight ${change.weight}` : ""}`;
  };
  return Object.entries(draft).map(one).join(" && ");
}
