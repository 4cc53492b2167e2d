// What is to be deployed, and how that is asked for: pure functions of what was chosen.
import type { Schemas } from "../../api/client";
import { DEFAULT_CLUSTER } from "../../api/place";
import { sh } from "../../logic/shell";

export interface Wanted {
  /** Empty: all. */
  workflows: string[];
  cluster: string;
  /** Empty: the one that the server makes. */
  tag: string;
  description: string;
  /** Behind those of `project.yaml`, in this order. */
  environments: string[];
  base: string;
  isActivated: boolean;
  /** Until nodes run it, as `5m`; empty: not at all. */
  wait: string;
  /** The key of the cluster to which secrets are sealed anew; empty: they stay as the project has them. */
  sealTo: string;
  /** A commit or a branch of the project; empty: as it is now. */
  version: string;
  /** What the project was checked out from. */
  commit: string | undefined;
}

/** Of all keys of a cluster the one that is current there. */
export const CURRENT_KEY = "current";
export const ROOT = "DeploymentRoot";

export const NOTHING: Wanted = {
  workflows: [],
  cluster: DEFAULT_CLUSTER,
  tag: "",
  description: "",
  environments: [],
  base: ROOT,
  isActivated: true,
  wait: "5m",
  sealTo: "",
  version: "",
  commit: undefined,
};

/** What would come of it. The package is kept: what is deployed then is what was planned. */
export function planOf(wanted: Wanted): Schemas["DeployRequest"] {
  const build = {
    tag: wanted.tag || undefined,
    description: wanted.description,
    workflows: wanted.workflows,
    environments: wanted.environments,
    sealTo: wanted.sealTo
      ? [wanted.sealTo === CURRENT_KEY ? {} : { key: wanted.sealTo }]
      : undefined,
    version: wanted.version || undefined,
    // A version says itself which one it is.
    commit: wanted.version ? undefined : wanted.commit,
  };
  return { build, ...placed(wanted), dryRun: true };
}

export function deployOf(wanted: Wanted, pkg: string): Schemas["DeployRequest"] {
  const wait = wanted.isActivated && wanted.wait ? wanted.wait : undefined;
  return { package: pkg, ...placed(wanted), activate: wanted.isActivated, wait, dryRun: false };
}

const placed = ({ cluster, base }: Wanted) => ({
  cluster: cluster === DEFAULT_CLUSTER ? undefined : cluster,
  base: base === ROOT ? undefined : base,
});

/** The command that does the same. */
export function commandOf(project: string, wanted: Wanted, isPlan: boolean): string {
  const given: string[] = [];
  const add = (flag: string, value: string) => value && given.push(flag, value);
  add("--cluster", wanted.cluster === DEFAULT_CLUSTER ? "" : wanted.cluster);
  add("--tag", wanted.tag);
  add("--description", wanted.description);
  for (const it of wanted.workflows) add("--workflow", it);
  for (const it of wanted.environments) add("--environment", it);
  add("--seal-to", wanted.sealTo);
  add("--base", wanted.base === ROOT ? "" : wanted.base);
  add("--version", wanted.version);
  add("--commit", wanted.version ? "" : (wanted.commit ?? ""));
  if (isPlan) given.push("--plan");
  else if (wanted.isActivated) {
    given.push("--activate");
    if (wanted.wait) given.push("--wait", "--timeout", wanted.wait);
  }
  return sh`weir deploy ${project} ${given}`;
}

/** Whether a plan that was made for one holds for the other. What is done once it is stored is no part of it. */
export function isPlanOf(planned: Wanted, now: Wanted): boolean {
  return JSON.stringify(planOf(planned)) === JSON.stringify(planOf(now));
}

/** A name behind those that are chosen; one that is chosen goes. */
export const toggled = (all: readonly string[], name: string): string[] =>
  all.includes(name) ? all.filter((it) => it !== name) : [...all, name];
