import { Button } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { answered, api } from "../api/client";
import { type Problem, problemIn } from "../api/problem";
import { ProblemView } from "../parts/Problem";
import { type Brought, broughtBack } from "./brought";
import { handedOver } from "./elsewhere";
import { useLogIns } from "./logIns";
import { useSession } from "./session";

/** What the provider of log-ins is called, where there is one. */
export const useProvider = (): string | undefined => useLogIns()?.provider ?? undefined;

/** The way to the provider of log-ins, where there is one, and what a browser brings back from there. */
export function AtProvider({ onDone }: { onDone: () => void }) {
  const { comeBackWith } = useSession();
  const brought = useRef<Brought | undefined>(undefined);
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const [isElsewhere, setElsewhere] = useState(false);
  const provider = useProvider();
  useEffect(() => {
    // It is good once, whatever comes of it, and stands in no address that is kept.
    const found = broughtBack(window.location.search);
    if (!found || brought.current) return;
    brought.current = found;
    window.history.replaceState(window.history.state, "", window.location.pathname);
    setBusy(true);
    handedOver(found)
      .then(async (isTaken) => {
        setElsewhere(isTaken);
        if (isTaken) return window.close();
        await comeBackWith(found);
        onDone();
      })
      .catch((error: unknown) => setProblem(problemIn(error)))
      .finally(() => setBusy(false));
  }, [comeBackWith, onDone]);
  const go = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      const { location } = await answered(api.POST("/api/v1/log-in/provider"));
      window.location.assign(location);
    } catch (error) {
      setProblem(problemIn(error));
      setBusy(false);
    }
  };
  return (
    <>
      {problem && <ProblemView problem={problem} />}
      {isElsewhere && <p>You go on in the other window. This one can be closed.</p>}
      {provider && (
        <Button type="button" disabled={isBusy} onClick={() => void go()}>
          Log in with {provider}
        </Button>
      )}
    </>
  );
}
