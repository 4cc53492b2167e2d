// Which workflows fall behind, as far as the page looks at their stages: what comes to one of them waits for it.
import { type Behind, fallsBehind } from "../features/workflows/bottleneck";
import type { History } from "../live/history";
import { rates } from "../live/history";
import { load } from "../live/load";

/** Counts of live streams come with each checkpoint: what a few seconds say is chance. */
const LOOK_MS = 60_000;

export function behindOf(history: History, workflow: string, now: number): Behind | undefined {
  const detail = history.detail(workflow);
  if (!detail || detail.fault || detail.state === "stopped" || detail.unreached?.length) return;
  const { stages, edges } = detail;
  const byStage = <T>(of: (name: string) => T | undefined) =>
    new Map(
      stages.flatMap(({ id }) => {
        const it = of(`${workflow}/${id}`);
        return it === undefined ? [] : [[id, it] as const];
      }),
    );
  const loads = byStage((name) => load(history.readings(name), now));
  // One that is looked at no more stands still for all that is known.
  if (loads.size === 0) return undefined;
  const passing = byStage((name) => rates(history.of(name), now, LOOK_MS));
  return fallsBehind(stages, edges, loads, passing);
}
