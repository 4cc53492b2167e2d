// A node as the page shows it: what the list of members says of it, and what it says of itself.
import type { Schemas } from "../api/client";

export interface Node {
  name: string;
  state: string;
  member: Schemas["Member"];
  /** Absent where it is silent. */
  said?: Schemas["Node"];
  activation?: Schemas["Activation"];
  scheduled?: Schemas["ScheduledNode"];
  /** It was lost, and is not back: what is known of it is from before. */
  isLost?: true;
}

interface Sources {
  members?: Schemas["ClusterMembers"];
  nodes?: Schemas["Page_Node"];
  activations?: Schemas["Page_Activation"];
  schedule?: Schemas["Schedule"];
  /** Of lost nodes those that are not to be told any more. */
  putAway?: ReadonlySet<string>;
}

/** Members but those that left: a restarted engine is a new one, and the list remembers the former. */
export const present = (members: Schemas["ClusterMembers"] | undefined) =>
  members?.members.filter((it) => it.status !== "removed");

/** Who is there and how, whichever node says so: another one counts other versions of the same list. */
export const standings = (members: Schemas["ClusterMembers"] | undefined) =>
  members?.members.map((it) => `${it.uid} ${it.unreachable ? "unreachable" : it.status}`).sort();

/** Why one is gone that was meant to be: it left, or was started anew. As the cluster words it. */
const MEANT = /^(left$|replaced by )/;

/** Nodes that were lost and did not come back: the last life of each. The list remembers them for a day. */
export function lost(members: Schemas["ClusterMembers"] | undefined): Schemas["Member"][] {
  const all = members?.members ?? [];
  const here = new Set((present(members) ?? []).map((it) => it.name));
  const last = new Map<string, Schemas["Member"]>();
  for (const it of all) {
    const other = last.get(it.name);
    if (!here.has(it.name) && (!other || other.changedAt < it.changedAt)) last.set(it.name, it);
  }
  return [...last.values()].filter((it) => it.upNumber > 0 && !MEANT.test(it.reason));
}

/** The last life of a node that is no member now, as far as the list remembers it. */
export function departed(
  members: Schemas["ClusterMembers"] | undefined,
  name: string | undefined,
): Schemas["Member"] | undefined {
  const lives = members?.members.filter((it) => it.name === name) ?? [];
  if (lives.some((it) => it.status !== "removed")) return undefined;
  return lives.sort((a, b) => b.changedAt.localeCompare(a.changedAt))[0];
}

/** A node that can't be asked: one that is gone, or that nobody reaches. */
export function away(
  members: Schemas["ClusterMembers"] | undefined,
  name: string | undefined,
): Schemas["Member"] | undefined {
  const here = members?.members.find((it) => it.name === name && it.status !== "removed");
  if (!here) return departed(members, name);
  return here.unreachable || here.status === "down" ? here : undefined;
}

/** How a node stands that can't be asked, as states are named; absent: it can be. */
export function absence(
  members: Schemas["ClusterMembers"] | undefined,
  name: string,
): "lost" | "removed" | "unreachable" | undefined {
  const it = away(members, name);
  if (!it) return undefined;
  if (it.status !== "removed") return "unreachable";
  return lost(members).some(({ uid }) => uid === it.uid) ? "lost" : "removed";
}

/** All members by name, those in trouble first. */
export function nodes({ members, nodes, activations, schedule, putAway }: Sources): Node[] {
  const here = (present(members) ?? []).map((member): Node => {
    // Of one that gives no answer there is a row without anything in it.
    const said = nodes?.items.find((it) => it.uid === member.uid && it.processors > 0);
    const scheduled = schedule?.nodes.find((it) => it.uid === member.uid);
    const activation = activations?.items.find((it) => it.node === member.name);
    return {
      name: member.name,
      state: stateOf(member, scheduled?.drained ?? said?.drained ?? false),
      member,
      said,
      activation,
      scheduled,
    };
  });
  const gone = lost(members)
    .filter((it) => !putAway?.has(it.uid))
    .map((member): Node => ({ name: member.name, state: "lost", member, isLost: true }));
  const all = [...gone, ...here];
  const rank = (it: Node) => (it.state === "up" ? 1 : 0);
  return all.sort(
    (a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, "en", { numeric: true }),
  );
}

function stateOf(member: Schemas["Member"], isDrained: boolean): string {
  if (member.unreachable) return "unreachable";
  return member.status === "up" && isDrained ? "draining" : member.status;
}
