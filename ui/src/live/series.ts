// Series for charts out of what was counted: rates at each second of a time.
import { isKnown, type Point, type Rates, rates } from "./history";

const STEP_MS = 2_000;

/** Times in seconds, and values at them; `null` where nothing is known. */
export type Drawn = [times: number[], ...values: (number | null)[][]];

/** One list of rates for each of `keys`, summed over those of `series` that were followed then. */
export function rateSeries(
  series: readonly (readonly Point[])[],
  keys: readonly (keyof Rates)[],
  until: number,
  spanMs: number,
): Drawn {
  const last = Math.floor(until / STEP_MS) * STEP_MS;
  const times = Array.from(
    { length: Math.floor(spanMs / STEP_MS) + 1 },
    (_, it) => last - spanMs + it * STEP_MS,
  );
  const at = times.map((time) =>
    series.filter((points) => isKnown(points, time)).flatMap((points) => rates(points, time) ?? []),
  );
  const lines = keys.map((key) =>
    at.map((all) => (all.length > 0 ? all.reduce((sum, it) => sum + it[key], 0) : null)),
  );
  return [times.map((it) => it / 1_000), ...lines];
}
