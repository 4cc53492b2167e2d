// Whether somebody else wrote the asset that is open. No topic of the live stream tells it, so it is looked at when
// somebody comes to the page, goes on in it after a while, or the server answers again; tabs of one browser tell
// each other at once.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useSyncExternalStore } from "react";
import { connection } from "../../live";
import { onWritten } from "../projects/told";

/** Whoever types on is told of another version at most so late. */
const AGAIN_AFTER_MS = 10_000;

/** Whether the server tells what is new. */
export const useHeard = () =>
  useSyncExternalStore(connection.listen, () => connection.link().contact === "live");

/** Returns what looks again, if what is known is older than a while. */
export function useOthers(project: string, path: string): (knownAt: number) => void {
  const queries = useQueryClient();
  const look = useCallback(
    (options?: { cancelRefetch: boolean }) =>
      void queries.invalidateQueries({ queryKey: ["asset", project, path] }, options),
    [queries, project, path],
  );
  useEffect(() => {
    const onFocus = () => look();
    window.addEventListener("focus", onFocus);
    return () => window.removeEventListener("focus", onFocus);
  }, [look]);
  useEffect(
    () =>
      onWritten((it) => {
        if (it.project === project && it.path === path) look();
      }),
    [look, project, path],
  );
  const isHeard = useHeard();
  useEffect(() => {
    if (isHeard) look();
  }, [isHeard, look]);
  // It is asked once in a while, also where no answer comes: whoever types does not ask with each letter.
  const askedAt = useRef(0);
  return useCallback(
    (knownAt: number) => {
      if (Date.now() - Math.max(knownAt, askedAt.current) <= AGAIN_AFTER_MS) return;
      askedAt.current = Date.now();
      look({ cancelRefetch: false });
    },
    [look],
  );
}
