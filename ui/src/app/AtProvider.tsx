import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { answered, api } from "../api/client";
import { type Problem, problemIn } from "../api/problem";
import { ProblemView } from "../parts/Problem";
import { type Brought, broughtBack } from "./brought";
import { useSession } from "./session";

/** The way to the provider of log-ins, where there is one, and what a browser brings back from there. */
export function AtProvider({ onDone }: { onDone: () => void }) {
  const { comeBackWith } = useSession();
  const brought = useRef<Brought | undefined>(undefined);
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const { data: ways } = useQuery({
    queryKey: ["ways to log in"],
    queryFn: () => answered(api.GET("/api/v1/log-in")),
    staleTime: 60_000,
  });
  useEffect(() => {
    // It is good once, whatever comes of it, and stands in no address that is kept.
    const found = broughtBack(window.location.search);
    if (!found || brought.current) return;
    brought.current = found;
    window.history.replaceState(window.history.state, "", window.location.pathname);
    setBusy(true);
    comeBackWith(found)
      .then(onDone, (error: unknown) => setProblem(problemIn(error)))
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
      {ways?.provider && (
        <Button type="button" disabled={isBusy} onClick={() => void go()}>
          Log in with {ways.provider}
        </Button>
      )}
    </>
  );
}
