// What is known of the cluster as a whole, and what can't be seen of it.
import { useEffect, useMemo, useState } from "react";
import { history, useLive } from "../live";
import { rates } from "../live/history";
import { type Known, SEEN_TOPICS, unsure } from "../logic/health";
import { serverNow } from "../logic/now";
import { behindOf } from "./behind";
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

/** Which of them fall behind, by how many records in a second. */
function lag(names: string[]): Record<string, number> {
  const now = serverNow();
  return Object.fromEntries(
    names.flatMap((name) => {
      const it = behindOf(history, name, now);
      return it ? [[name, it.by]] : [];
    }),
  );
}

/** A workflow may be still: the page has looked for long enough without that anything comes. */
const LOOK_MS = 1_000;

export function useKnown(): Known {
  const { lost, away } = useFleet();
  const [look, setLook] = useState(0);
  const putAway = usePutAway();
  const [members, workflows, leases] = [
    useLive("members"),
    useLive("workflows"),
    useLive("leases"),
  ];
  const [schedule, activations, nodes, alarms] = [
    useLive("schedule"),
    useLive("activations"),
    useLive("nodes"),
    useLive("alarms"),
  ];
  // biome-ignore lint/correctness/useExhaustiveDependencies: each look is one more
  const known = useMemo(() => {
    const all = { members, workflows, leases, schedule, activations, alarms };
    return {
      members: members.value,
      workflows: workflows.value,
      leases: leases.value,
      schedule: schedule.value,
      activations: activations.value,
      nodes: nodes.value,
      alarms: alarms.value,
      lost,
      putAway,
      away,
      at: members.at,
      bad: shares(workflows.value?.items.map((it) => it.name) ?? []),
      behind: lag(workflows.value?.items.map((it) => it.name) ?? []),
      // One that answered before and does not now is not seen either.
      unseen: SEEN_TOPICS.flatMap((what) => {
        const { problem } = all[what];
        return problem ? [{ what, why: problem.detail }] : [];
      }),
    };
  }, [members, workflows, leases, schedule, activations, nodes, alarms, lost, putAway, away, look]);
  const isUnsure = unsure(known).length > 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: after each look there is another one
  useEffect(() => {
    if (!isUnsure) return;
    const timer = setTimeout(() => setLook((it) => it + 1), LOOK_MS);
    return () => clearTimeout(timer);
  }, [isUnsure, look]);
  return known;
}
