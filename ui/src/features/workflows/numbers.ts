// What stages count, for those parts that show one stage each.
//
// - N1: a tick of the workflow draws nothing by itself. Each part reads its stage once per second, and is drawn again
//   where a word or a number of it is another: of a thousand stages only those in view are asked at all.
import { createContext, useContext, useEffect, useMemo } from "react";
import type { Schemas } from "../../api/client";
import { history } from "../../live";
import { type Rates, rates } from "../../live/history";
import { type Load, load } from "../../live/load";
import { useEachSecond } from "../../logic/now";

type Stage = Schemas["Stage"];

/** A workflow as it was told last: an object that stays, so that what is below it is not drawn for what it holds. */
export interface Numbers {
  workflow: string;
  stages: readonly Stage[];
}

export const NumbersContext = createContext<Numbers>({ workflow: "", stages: [] });

/** Another object for another form alone. */
export function useNumbers({ name, stages }: Schemas["WorkflowDetail"], form: string): Numbers {
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is told later is put into it
  const numbers = useMemo<Numbers>(() => ({ workflow: name, stages }), [name, form]);
  useEffect(() => {
    numbers.stages = stages;
  }, [numbers, stages]);
  return numbers;
}

/** What is said of one stage; nothing where there is none of the name. */
export function useStage<T extends object>(
  id: string,
  say: (stage: Stage, flow: Rates | undefined, spent: Load | undefined) => T,
): T | undefined {
  const numbers = useContext(NumbersContext);
  return useEachSecond((now) => {
    const stage = byId(numbers.stages).get(id);
    const name = `${numbers.workflow}/${id}`;
    return stage && say(stage, rates(history.of(name), now), load(history.readings(name), now));
  });
}

/** Once for each list, whoever asks. */
const KNOWN = new WeakMap<readonly Stage[], ReadonlyMap<string, Stage>>();

function byId(stages: readonly Stage[]): ReadonlyMap<string, Stage> {
  const known = KNOWN.get(stages) ?? new Map(stages.map((it) => [it.id, it]));
  KNOWN.set(stages, known);
  return known;
}
