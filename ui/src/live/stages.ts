// What was kept of all stages of a workflow whose stages are looked at.
import { type History, type Rates, rates } from "./history";
import { type Load, load } from "./load";

interface Workflow {
  name: string;
  stages: readonly { id: string }[];
}

/** How each stage spent its time in the window that ends then; not of those of which that is not known. */
export function loadsOf(
  history: History,
  { name, stages }: Workflow,
  until: number,
): ReadonlyMap<string, Load> {
  return new Map(
    stages.flatMap(({ id }) => {
      const it = load(history.readings(`${name}/${id}`), until);
      return it ? [[id, it] as const] : [];
    }),
  );
}

/** What passes each stage, worked out where it is asked: of many stages few are. */
export type StageRates = Pick<ReadonlyMap<string, Rates>, "get">;

export function passingOf(
  history: History,
  { name }: Workflow,
  now: number,
  windowMs?: number,
): StageRates {
  return { get: (stage) => rates(history.of(`${name}/${stage}`), now, windowMs) };
}
