// A workflow as it was seen last, where no node runs it any more and the cluster still wants it.
import { useRef } from "react";
import type { Schemas } from "../../api/client";
import { type Standing, useLive } from "../../live";

type Detail = Schemas["WorkflowDetail"];
export type Wanted = Schemas["ScheduledWorkflow"];

const NOT_FOUND = 404;

export interface Seen extends Standing<Detail> {
  /** No node has it, and the schedule still does: how it stands there. */
  nowhere: Wanted | undefined;
}

export function useWorkflow(name: string): Seen {
  const standing = useLive(`workflow:${name}`);
  const schedule = useLive("schedule");
  const last = useRef<Pick<Standing<Detail>, "value" | "at"> & { name: string }>({ name });
  if (last.current.name !== name) last.current = { name };
  if (standing.value) last.current = { name, value: standing.value, at: standing.at };
  const wanted = schedule.value?.workflows.find((it) => it.workflow === name);
  const isNowhere = standing.value === undefined && standing.problem?.status === NOT_FOUND;
  if (!isNowhere || !wanted) return { ...standing, nowhere: undefined };
  return { value: last.current.value, at: last.current.at, nowhere: wanted };
}
