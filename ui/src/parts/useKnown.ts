// What is known of the cluster as a whole, and what can't be seen of it.
import { useMemo } from "react";
import { useLive } from "../live";
import { type Known, SEEN_TOPICS } from "../logic/health";

export function useKnown(): Known {
  const [members, workflows, leases] = [
    useLive("members"),
    useLive("workflows"),
    useLive("leases"),
  ];
  const [schedule, activations, nodes] = [
    useLive("schedule"),
    useLive("activations"),
    useLive("nodes"),
  ];
  return useMemo(() => {
    const all = { members, workflows, leases, schedule, activations };
    return {
      members: members.value,
      workflows: workflows.value,
      leases: leases.value,
      schedule: schedule.value,
      activations: activations.value,
      nodes: nodes.value,
      at: members.at,
      // One that answered before and does not now is not seen either.
      unseen: SEEN_TOPICS.flatMap((what) => {
        const { problem } = all[what];
        return problem ? [{ what, why: problem.detail }] : [];
      }),
    };
  }, [members, workflows, leases, schedule, activations, nodes]);
}
