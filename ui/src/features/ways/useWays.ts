// Where a workflow reads and writes, where this server has its project and one may look at that.
import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Schemas } from "../../api/client";
import { useLive } from "../../live";
import { useOrigins } from "../projects/origin";
import { effective } from "../projects/projects";
import { referred, type Said, type Ways, ways } from "./ways";

export interface Known {
  ways: Ways;
  /** The asset that it was made of. */
  path: string;
  description?: string | null;
  /** What is said is that of the project as it is now, and something else runs. */
  isOther: boolean;
  /** Packages of the project that run: nothing tells whether the project still says what they do. */
  packages: readonly Schemas["StoredDeployment"][];
}

export function useWays(project: string, workflow: string): Known | undefined {
  const { project: summary, assets } = useOrigins(project);
  const deployments = useLive("deployments").value;
  const applied = deployments?.applied.find((it) => it.project === project);
  const packages = useMemo(
    () => (applied ? [] : runs(deployments?.items ?? [], project)),
    [applied, deployments, project],
  );
  const origin = assets?.find((it) => it.kind === "Workflow" && it.name === workflow);
  const { data: spec } = useQuery(effective(project, origin?.path));
  const parts = referred(spec).flatMap((it) => {
    const found = assets?.find(({ kind, name }) => kind === it.kind && name === it.name);
    return found ? [found] : [];
  });
  const specs = useQueries({
    queries: parts.map((it) => effective(project, it.path)),
    combine: (all) => all.map((it) => it.data),
  });
  const base = applied?.baseDir ?? summary?.directory ?? "";
  const isOther =
    applied !== undefined && summary !== undefined && applied.digest !== summary.digest;
  const isReady = spec !== undefined && specs.every((it) => it !== undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: parts are those of the spec and the assets
  return useMemo(() => {
    if (!isReady || !origin) return undefined;
    const said: Said[] = parts.map((it: Schemas["AssetSummary"], at) => ({
      ...it,
      spec: specs[at],
    }));
    return {
      ways: ways(spec, said, base),
      path: origin.path,
      description: origin.description,
      isOther,
      packages,
    };
  }, [isReady, spec, specs, base, origin, isOther, packages]);
}

const runs = (all: readonly Schemas["StoredDeployment"][], project: string) =>
  all.filter((it) => it.project === project && (it.default || it.nodes.length > 0));
