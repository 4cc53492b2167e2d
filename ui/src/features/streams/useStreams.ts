// The newest streams as they come, older ones by pages, and each that is open beyond the newest by itself.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { useLive, useLiveAll } from "../../live";
import { isGap, left, merged, passed, type Stream } from "./streams";

const PAGE = 200;
/** So many that are open are followed by themselves; of others it is said when they were read. */
const FOLLOWED_MAX = 16;

export function useStreams({ workflow, state }: { workflow?: string; state?: string }) {
  const live = useLive("streams");
  const older = useInfiniteQuery({
    queryKey: ["streams", workflow, state],
    queryFn: ({ pageParam }) =>
      answered(
        api.GET("/api/v1/streams", {
          params: {
            query: {
              workflow,
              state: state as Schemas["StreamState"] | undefined,
              limit: PAGE,
              cursor: pageParam,
            },
          },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const newest = live.value?.items;
  const [seen, setSeen] = useState<readonly Stream[]>([]);
  const last = useRef<readonly Stream[]>([]);
  const { refetch } = older;
  useEffect(() => {
    if (!newest) return;
    if (isGap(last.current, newest)) void refetch();
    last.current = newest;
    setSeen((before) => passed(before, newest));
  }, [newest, refetch]);
  const fits = useMemo(() => {
    const read = older.data?.pages.flatMap((it) => it.items) ?? [];
    return merged(read, seen, newest ?? []).filter((it) => !workflow || it.workflow === workflow);
  }, [older.data, seen, newest, workflow]);
  const apart = useMemo(() => left(fits, newest ?? []), [fits, newest]);
  const followed = useLiveAll(apart.slice(0, FOLLOWED_MAX).map((it) => `stream:${it.id}` as const));
  const rows = useMemo(() => {
    const told = followed.flatMap(({ value }) => (value ? [value] : []));
    return merged(fits, told).filter((it) => !state || it.state === state);
  }, [fits, followed, state]);
  /** Of these it is known only how they were when they were read. */
  const old = useMemo(() => new Set(apart.slice(FOLLOWED_MAX).map((it) => it.id)), [apart]);
  return { live, older, rows, old };
}
