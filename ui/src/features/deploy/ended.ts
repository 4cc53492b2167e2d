// What a plan would end of other projects: what is not in the default deployment does not run, whosever it is.
import type { Schemas } from "../../api/client";

type Running = Pick<Schemas["WorkflowSummary"], "name" | "project" | "lastStreamAt">;
type Planned = Pick<Schemas["DeployNodePlan"], "stops" | "restarts">;

export interface Ended {
  project: string;
  workflows: string[];
  /** When one of them was busy last. */
  lastStreamAt: string | undefined;
}

/** What the plan ends or starts anew, whosever it is. */
export const touched = (plan: readonly Planned[]): string[] =>
  [...new Set(plan.flatMap((it) => [...it.stops, ...it.restarts]))].sort();

/** By project. One of the same name that is started instead of another project's ends that, too. */
export function endedElsewhere(
  plan: readonly Planned[],
  running: readonly Running[],
  project: string,
): Ended[] {
  const names = new Set(touched(plan));
  const found = new Map<string, Ended>();
  for (const it of running) {
    if (it.project === project || !names.has(it.name)) continue;
    const { workflows = [], lastStreamAt } = found.get(it.project) ?? {};
    const last = [lastStreamAt, it.lastStreamAt ?? undefined].filter((at) => at !== undefined);
    found.set(it.project, {
      project: it.project,
      workflows: [...workflows, it.name].sort(),
      lastStreamAt: last.sort().at(-1),
    });
  }
  return [...found.values()].sort((a, b) => (a.project < b.project ? -1 : 1));
}
