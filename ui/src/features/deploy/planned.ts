// What a plan changes in each workflow, against what the cluster has: pure functions.
import type { Schemas } from "../../api/client";
import type { Side } from "../diff/graphDiff";

type Planned = Pick<Schemas["DeployNodePlan"], "starts" | "stops" | "restarts">;
type Stored = Pick<Schemas["StoredDeployment"], "project" | "default" | "commit">;

/** The workflows that any node starts, ends or starts anew. */
export const moved = (plan: readonly Planned[]): string[] =>
  [...new Set(plan.flatMap((it) => [...it.starts, ...it.restarts, ...it.stops]))].sort();

/** Those of the project that run once it is done, on whichever node. */
export function runningOf(
  plan: readonly Pick<Schemas["DeployNodePlan"], "starts" | "restarts" | "stays">[],
  project: readonly string[],
): string[] {
  const all = new Set(plan.flatMap((it) => [...it.starts, ...it.restarts, ...it.stays]));
  return project.filter((it) => all.has(it)).sort();
}

/** The version of the project that the cluster has as its default, where that is one of this project. */
export const commitThere = (stored: readonly Stored[], project: string): string | undefined =>
  stored.find((it) => it.default && it.project === project)?.commit ?? undefined;

/** What an engine tells of a workflow: its graph, and nothing of what is set in it. */
export function bareOf(detail: Pick<Schemas["WorkflowDetail"], "stages" | "edges">): Side {
  const { stages, edges } = detail;
  return {
    isBare: true,
    rest: undefined,
    design: {
      stages: stages.map(({ id, role, kind }) => ({
        id,
        role,
        kind,
        ports: [...new Set(edges.filter((it) => it.from === id).map((it) => it.port))],
        config: {},
      })),
      edges: edges.map(({ from, port, to }) => ({ from, port, to })),
    },
  };
}
