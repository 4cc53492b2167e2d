// How a cluster stands, of what the server found when it looked last: pure functions.
import type { Schemas } from "../../api/client";
import { plural } from "../../logic/format";

export type Cluster = Schemas["Cluster"];

export interface Standing {
  /** As states are named. */
  state: "up" | "unreachable" | "unusable" | "untrusted" | "notLookedAt";
  /** What is wrong, where something is. */
  cause: string | undefined;
}

export function standingOf({ standing }: Cluster): Standing {
  if (!standing) return { state: "notLookedAt", cause: undefined };
  const cause = standing.cause ?? undefined;
  if (!standing.reachable) return { state: "unreachable", cause };
  if (standing.trusts === false) return { state: "untrusted", cause };
  return cause ? { state: "unusable", cause } : { state: "up", cause };
}

/** Those beside the one that is looked at which can't be used, and why. */
export function lostOf(all: readonly Cluster[], here: string) {
  return all.flatMap((it) => {
    const { state, cause = "it gives no answer" } = standingOf(it);
    if (it.name === here || state === "up" || state === "notLookedAt") return [];
    const since = it.standing?.since ? Date.parse(it.standing.since) : undefined;
    return [{ name: it.name, cause, since }];
  });
}

/** Why the one that is looked at can't be reached, where that is so. */
export function awayOf(all: readonly Cluster[], here: string) {
  const of = all.find((it) => it.name === here);
  if (!of || standingOf(of).state !== "unreachable") return undefined;
  const { cause = "it gives no answer" } = standingOf(of);
  const since = of.standing?.since ? Date.parse(of.standing.since) : undefined;
  return { cause, since, urls: of.urls };
}

/** How many of its nodes are up. */
export function nodesOf({ standing }: Cluster): string {
  const { nodesUp, nodes } = standing ?? {};
  if (typeof nodes !== "number") return "–";
  return nodesUp === nodes ? `${nodes} up` : `${nodesUp ?? 0} of ${nodes} up`;
}

/** In one sentence: how the fleet is, worst first. */
export function sentence(all: readonly Cluster[]): string {
  const bad = all.filter((it) => !["up", "notLookedAt"].includes(standingOf(it).state));
  const short = all.filter(({ standing: it }) => (it?.nodes ?? 0) > (it?.nodesUp ?? 0));
  const versions = new Set(all.flatMap(({ standing }) => standing?.version ?? []));
  const said = [
    bad.length > 0 && `${bad.map((it) => it.name).join(", ")} can’t be used`,
    short.length > 0 && `${short.map((it) => it.name).join(", ")} misses nodes`,
    versions.size > 1 && `${versions.size} versions of Weir are in use`,
  ].filter((it) => it !== false);
  if (said.length > 0) return `${said.join("; ")}.`;
  return `${plural(all.length, "cluster")}, and all is well.`;
}
