// Where a deployment runs, and where it is only to run: what is stored of it says the second alone.
import type { Schemas } from "../../api/client";
import { plural } from "../../logic/format";

type Stored = Pick<Schemas["StoredDeployment"], "tag" | "nodes">;
type Activation = Pick<Schemas["Activation"], "node" | "current" | "failure">;

export interface Where {
  /** Nodes that say that they run it. */
  runs: string[];
  /** Those that are to run it and could not. */
  failed: string[];
  /** Those that are to run it and do not yet, or of which that is not known. */
  due: string[];
}

/** `activations`: of the nodes that are there; what others said last is of then. */
export function whereOf(of: Stored, activations: readonly Activation[]): Where {
  const runs = activations.flatMap((it) => (it.current === of.tag ? [it.node] : []));
  const others = of.nodes.filter((it) => !runs.includes(it));
  const hasFailed = (node: string) =>
    activations.some((it) => it.node === node && it.failure?.target === of.tag);
  return {
    runs,
    failed: others.filter(hasFailed),
    due: others.filter((it) => !hasFailed(it)),
  };
}

/** As a fact of the deployment that is chosen. */
export function whereSaid({ runs, failed, due }: Where): string {
  const whose = failed.length === 1 ? "whose" : "where the";
  const parts = [
    runs.join(", ") || "no node",
    failed.length > 0 && `is to run on ${failed.join(", ")}, ${whose} activation failed`,
    due.length > 0 && `is to run on ${due.join(", ")}`,
  ];
  return parts.filter(Boolean).join("; ");
}

/** The same in a line with others. */
export function whereInShort({ runs, failed, due }: Where): string {
  const nodes = (all: string[]) => (all.length === 1 ? all[0] : plural(all.length, "node"));
  const parts = [
    runs.length > 0 && `on ${plural(runs.length, "node")}`,
    failed.length > 0 && `failed on ${nodes(failed)}`,
    due.length > 0 && `to run on ${nodes(due)}`,
  ];
  return parts.filter(Boolean).join(", ");
}
