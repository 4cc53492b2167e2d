// Series for charts out of what was counted: rates at each second of a time.
import { type Point, type Rates, rates } from "./history";

const STEP_MS = 2_000;

/** Times in seconds, and one list of rates for each of `keys`, summed over all `series`. */
export function rateSeries(
  series: readonly (readonly Point[])[],
  keys: readonly (keyof Rates)[],
  until: number,
  spanMs: number,
): [number[], ...number[][]] {
  const last = Math.floor(until / STEP_MS) * STEP_MS;
  const times = Array.from(
    { length: Math.floor(spanMs / STEP_MS) + 1 },
    (_, it) => last - spanMs + it * STEP_MS,
  );
  const at = times.map((time) => series.map((points) => rates(points, time)));
  const lines = keys.map((key) => at.map((all) => all.reduce((sum, it) => sum + it[key], 0)));
  return [times.map((it) => it / 1_000), ...lines];
}
