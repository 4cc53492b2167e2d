// Puts an environment, or an asset of secrets, last in the list of `project.yaml`.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Problem, problemIn } from "../../api/problem";
import type { Shown } from "./Head";
import { type Column, using, type Valued } from "./matrix";
import { assetOf, renew, STALE, written } from "./projects";

export interface Use {
  use: (column: Column) => Promise<void>;
  /** One is being put there: the next would not know of it. */
  isBusy: boolean;
  problem: Problem | undefined;
}

export function useUse({ project, views }: Shown, kind: Valued): Use {
  const queries = useQueryClient();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const use = async ({ name }: Column) => {
    const view = views.find((it) => it.kind === "Project");
    if (!view || isBusy) return;
    const send = ({ text, etag }: Shown["views"][number]) =>
      written(project, view.path, using(text, kind, name), etag ?? undefined);
    setBusy(true);
    setProblem(undefined);
    try {
      await send(view).catch(async (refused: unknown) => {
        // Whatever somebody else wrote there, one more name fits in with it.
        if (problemIn(refused).status !== STALE) throw refused;
        await send(await assetOf(project, view.path));
      });
    } catch (error) {
      setProblem(problemIn(error));
    } finally {
      await renew(queries);
      setBusy(false);
    }
  };
  return { use, isBusy, problem };
}
