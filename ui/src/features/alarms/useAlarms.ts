// Alarms that stand, as they change; those that have ended, by pages, and one by itself: read again when there is news.
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { answered, api } from "../../api/client";
import { type Standing, useLive } from "../../live";
import { type Alarm, newsOf } from "../../logic/alarms";
import { useAsked } from "../../parts/useAsked";

const PAGE = 100;
const LOOK_MS = 2_000;
const AGAIN_MS = 5_000;
const REFUSED = "refused";

/** Those that stand. What was read of others is read again when one came, went or was confirmed. */
export function useStanding() {
  const standing = useLive("alarms");
  const queries = useQueryClient();
  const isRefused = standing.problem !== undefined;
  const news = isRefused ? REFUSED : standing.value && newsOf(standing.value);
  const last = useRef(news);
  useEffect(() => {
    const isOther = last.current !== undefined && last.current !== news;
    last.current = news;
    // What was refused as well meanwhile is not, once these come again.
    if (isOther && news !== REFUSED) void queries.invalidateQueries({ queryKey: ["alarms"] });
  }, [news, queries]);
  return standing;
}

interface Looked {
  severity?: string;
  subject?: string;
}

/** Those that have ended, the newest end first. */
export const useEnded = (of: Looked, isWanted: boolean) => useListed("ended", of, isWanted);

/** Those that stand, also beyond the worst ones that are followed. */
export const useBeyond = (of: Looked, isWanted: boolean) => useListed("standing", of, isWanted);

function useListed(state: "ended" | "standing", of: Looked, isWanted: boolean) {
  const { severity, subject } = of;
  return useInfiniteQuery({
    queryKey: ["alarms", state, severity, subject],
    queryFn: ({ pageParam }) => {
      const query = { state, severity, subject, limit: PAGE, cursor: pageParam };
      return answered(api.GET("/api/v1/alarms", { params: { query } }));
    },
    enabled: isWanted,
    // That the cluster answers again may be told before what was asked in between is refused.
    refetchInterval: ({ state }) => state.error !== null && AGAIN_MS,
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

/** Whether the cluster was looked at since the controller began: that by itself is not told by what is followed. */
export function useFirstLook(isWanted: boolean): boolean {
  const { data } = useQuery({
    queryKey: ["alarms", "first look"],
    queryFn: () => answered(api.GET("/api/v1/alarms", { params: { query: { limit: 1 } } })),
    enabled: isWanted,
    refetchInterval: ({ state }) => !state.data?.lookedAt && LOOK_MS,
  });
  return Boolean(data?.lookedAt);
}

/** One of them, whether it stands or not. */
export function useAlarm(id: string): Standing<Alarm> {
  const { value, at, problem } = useStanding();
  const asked = useAsked(["alarms", "one", id], () =>
    answered(api.GET("/api/v1/alarms/{id}", { params: { path: { id } } })),
  );
  const alarm = value?.items.find((it) => it.id === id);
  return alarm ? { value: alarm, at, problem } : asked;
}
