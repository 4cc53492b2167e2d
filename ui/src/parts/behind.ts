// Which workflows fall behind, as far as the page looks at their stages: what comes to one of them waits for it.
import { type Behind, fallsBehind } from "../features/workflows/bottleneck";
import type { History } from "../live/history";
import { loadsOf, passingOf } from "../live/stages";

/** Counts of live streams come with each checkpoint: what a few seconds say is chance. */
const LOOK_MS = 60_000;

export function behindOf(history: History, workflow: string, now: number): Behind | undefined {
  const detail = history.detail(workflow);
  if (!detail || detail.fault || detail.state === "stopped" || detail.unreached?.length) return;
  const loads = loadsOf(history, detail, now);
  // One that is looked at no more stands still for all that is known.
  if (loads.size === 0) return undefined;
  const passing = passingOf(history, detail, now, LOOK_MS);
  return fallsBehind(detail.stages, detail.edges, loads, passing);
}
