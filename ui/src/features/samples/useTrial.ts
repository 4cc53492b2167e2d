// A workflow that is tried: the samples that were given, and what came of them. Both stay while one goes to the
// code and back, in this page alone: a sample may hold what is to be written nowhere.
import { useEffect, useMemo, useRef, useState } from "react";
import { answered, api } from "../../api/client";
import { type Problem, problemIn } from "../../api/problem";
import { unsavedBeside } from "../editor/draft";
import type { Tried } from "../tests/make";
import { type Given, isEmpty, sent } from "./given";
import type { TestRun } from "./passages";

export const WITHIN_MS = 10_000;
export const RECORDS = ["50", "200", "500"] as const;

export interface Settings {
  /** By the name of the source. */
  samples: Readonly<Record<string, Given>>;
  /** How many records of each stage are shown. */
  records: string;
  environment: string | null;
  /** Fields that did not change are shown, too. */
  isWhole: boolean;
}

interface Kept {
  settings: Settings;
  run?: TestRun;
  /** What was tried. */
  tried?: Tried;
}

const kept = new Map<string, Kept>();
const KEPT_MAX = 8;
const BEGUN: Settings = { samples: {}, records: RECORDS[0], environment: null, isWhole: false };

export interface Trial {
  settings: Settings;
  set: (it: Partial<Settings>) => void;
  run: TestRun | undefined;
  tried: Tried | undefined;
  /** The text is another one by now. */
  isOld: boolean;
  isBusy: boolean;
  problem: Problem | undefined;
  /** Other assets of the project whose text is not saved: it is tried as it is typed. */
  unsaved: readonly string[];
  /** With samples by the name of their source. */
  go: (samples: Readonly<Record<string, Given>>) => Promise<void>;
}

interface About {
  /** Whose it is, and of which asset: others see none of it. */
  of: string;
  user: string;
  project: string;
  workflow: string;
  path: string;
  text: string;
}

export function useTrial({ of, user, project, workflow, path, text }: About): Trial {
  // They are typed in pages of their own: this one begins anew behind each of them.
  const [others] = useState(() => unsavedBeside(user, project, path));
  const [it, setIt] = useState<Kept>(() => kept.get(of) ?? { settings: BEGUN });
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const abort = useRef<AbortController>(undefined);
  const now = useRef(it);
  useEffect(() => () => abort.current?.abort(), []);
  return useMemo(() => {
    const put = (next: Kept) => {
      now.current = next;
      kept.delete(of);
      kept.set(of, next);
      const [oldest] = kept.keys();
      if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
      setIt(next);
    };
    const go = async (samples: Readonly<Record<string, Given>>) => {
      abort.current?.abort();
      const own = new AbortController();
      abort.current = own;
      setBusy(true);
      setProblem(undefined);
      try {
        const { records, environment } = now.current.settings;
        const given = Object.entries(samples).flatMap(([source, it]) =>
          isEmpty(it) ? [] : [sent(source, it)],
        );
        const run = await answered(
          api.POST("/api/v1/projects/{project}/workflows/{workflow}/test-runs", {
            params: { path: { project, workflow } },
            body: {
              samples: given,
              environments: environment ? [environment] : [],
              drafts: [{ path, text }, ...others],
              records: Number(records),
              withinMs: WITHIN_MS,
            },
            signal: own.signal,
          }),
        );
        put({
          ...now.current,
          run,
          tried: { samples: given, environment, text, unsaved: others.map((it) => it.path) },
        });
      } catch (error) {
        if (!own.signal.aborted) setProblem(problemIn(error));
      } finally {
        if (abort.current === own) setBusy(false);
      }
    };
    return {
      settings: it.settings,
      set: (some) => put({ ...now.current, settings: { ...now.current.settings, ...some } }),
      run: it.run,
      tried: it.tried,
      isOld: it.run !== undefined && it.tried?.text !== text,
      isBusy,
      problem,
      unsaved: others.map((it) => it.path),
      go,
    };
  }, [it, isBusy, problem, of, project, workflow, path, text, others]);
}
