import { useState } from "react";
import { problemIn } from "../../api/problem";
import { count, short } from "../../logic/format";
import { Act } from "../../parts/Act";
import { ProblemView } from "../../parts/Problem";
import { EXPORTED_MAX, exported } from "./exported";
import type { Chosen } from "./letters";

/** Hands all that are chosen to the browser as a file. */
export function Export({
  workflow,
  of,
  isEmpty,
}: {
  workflow: string;
  of: Chosen;
  isEmpty: boolean;
}) {
  const [read, setRead] = useState<number>();
  const [error, setError] = useState<unknown>();
  const go = async () => {
    setError(undefined);
    setRead(0);
    await exported(workflow, of, setRead).catch(setError);
    setRead(undefined);
  };
  return (
    <>
      <Act
        label={read === undefined ? "Export" : `Reading ${short(read)} …`}
        claim="stream:sniff"
        not={
          isEmpty
            ? "There is no letter"
            : read !== undefined && `At most ${count(EXPORTED_MAX)}; the command has no bound`
        }
        onAct={() => void go()}
      />
      {error !== undefined && <ProblemView problem={problemIn(error)} />}
    </>
  );
}
