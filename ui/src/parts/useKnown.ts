// What is known of the cluster as a whole, and what can't be seen of it.
import { useMemo } from "react";
import { history, useLive } from "../live";
import { rates } from "../live/history";
import { type Known, SEEN_TOPICS } from "../logic/health";
import { serverNow } from "../logic/now";
import { usePutAway } from "./putAway";
import { useFleet } from "./useFleet";

const MINUTE_MS = 60_000;

/** Of what went through each in the last minute, so much was bad; not told where the page did not look for long enough. */
function shares(names: string[]): Record<string, number | undefined> {
  const now = serverNow();
  const share = (name: string) => {
    const seen = rates(history.of(name), now, MINUTE_MS) ?? rates(history.of(name), now);
    return seen && (seen.recordsIn > 0 ? seen.deadLetters / seen.recordsIn : 0);
  };
  return Object.fromEntries(names.map((name) => [name, share(name)]));
}


export function useKnown(): Known {
  const { lost, away } = useFleet();
  const putAway = usePutAway();
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
      lost,
      putAway,
      away,
      at: members.at,
      bad: shares(workflows.value?.items.map((it) => it.name) ?? []),
      // One that answered before and does not now is not seen either.
      unseen: SEEN_TOPICS.flatMap((what) => {
        const { problem } = all[what];
        return problem ? [{ what, why: problem.detail }] : [];
      }),
    };
  }, [members, workflows, leases, schedule, activations, nodes, lost, putAway, away]);
}
