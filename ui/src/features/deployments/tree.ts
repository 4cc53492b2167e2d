// Stored deployments as the tree that they are: each below the one that it is based on.
import type { Schemas } from "../../api/client";

type Stored = Schemas["StoredDeployment"];

export interface Branch {
  deployment: Stored;
  depth: number;
}

export const ROOT = "DeploymentRoot";

/** Depth first, newest first among siblings. */
export function tree(items: readonly Stored[]): Branch[] {
  const tags = new Set(items.map((it) => it.tag));
  const below = new Map<string, Stored[]>();
  for (const it of items) {
    // What it was based on may have been deleted.
    const parent = tags.has(it.parent) ? it.parent : ROOT;
    below.set(parent, [...(below.get(parent) ?? []), it]);
  }
  const visit = (parent: string, depth: number): Branch[] => {
    const children = [...(below.get(parent) ?? [])].sort((a, b) =>
      a.builtAt < b.builtAt ? 1 : -1,
    );
    return children.flatMap((deployment) => [
      { deployment, depth },
      ...visit(deployment.tag, depth + 1),
    ]);
  };
  return visit(ROOT, 1);
}
