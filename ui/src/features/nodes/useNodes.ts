import { useMemo } from "react";
import { type Standing, useLive } from "../../live";
import { type Node, nodes } from "../../logic/nodes";
import { usePutAway } from "../../parts/putAway";

/** All nodes; there as soon as the list of members is. */
export function useNodes(): Standing<Node[]> {
  const [members, said] = [useLive("members"), useLive("nodes")];
  const [activations, schedule] = [useLive("activations"), useLive("schedule")];
  const putAway = usePutAway();
  return useMemo(() => {
    if (!members.value) return { problem: members.problem };
    const known = {
      members: members.value,
      nodes: said.value,
      activations: activations.value,
      schedule: schedule.value,
      putAway,
    };
    return { value: nodes(known), at: members.at, problem: members.problem };
  }, [members, said, activations, schedule, putAway]);
}
