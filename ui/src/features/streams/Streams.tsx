import { Button, Select } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { useLive } from "../../live";
import { CopyCli } from "../../parts/Act";
import { Filter } from "../../parts/Filter";
import { Page, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Shows } from "../../parts/Shows";
import { matches } from "../../parts/table";
import { StreamOrders } from "./StreamOrders";
import { type Stream, StreamTable } from "./StreamTable";

const route = getRouteApi("/frame/streams");
const PAGE = 200;

const STATES = [
  ["open", "open"],
  ["paused", "paused"],
  ["retrying", "retrying"],
  ["committed", "committed"],
  ["committedWithWarnings", "with warnings"],
  ["rolledBack", "rolled back"],
].map(([value, label]) => ({ value: value ?? "", label: label ?? "" }));

/** The newest streams as they come; older ones, and those of a filter, by pages. */
export function Streams() {
  const { workflow, state, filter = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const set = (more: { workflow?: string; state?: string; filter?: string }) =>
    void navigate({ search: (before) => ({ ...before, ...more }), replace: true });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const live = useLive("streams");
  const workflows = useLive("workflows");
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
  const rows = useMemo(
    () => merged(live.value?.items ?? [], older.data?.pages.flatMap((it) => it.items) ?? []),
    [live.value, older.data],
  );
  const shown = rows.filter(
    (it) =>
      (!workflow || it.workflow === workflow) &&
      (!state || it.state === state) &&
      matches(`${it.item} ${it.workflow} ${it.node} ${it.state}`, filter),
  );
  return (
    <Page
      title="Streams"
      actions={
        <>
          <Select
            aria-label="Workflow"
            placeholder="All workflows"
            clearable
            data={workflows.value?.items.map((it) => it.name) ?? []}
            value={workflow ?? null}
            onChange={(it) => set({ workflow: it ?? undefined })}
            w={150}
          />
          <Select
            aria-label="State"
            placeholder="All states"
            clearable
            data={STATES}
            value={state ?? null}
            onChange={(it) => set({ state: it ?? undefined })}
            w={140}
          />
          <Filter value={filter} onChange={(it) => set({ filter: it || undefined })} />
          <CopyCli command={`weir stream list${workflow ? ` --workflow ${workflow}` : ""}`} />
        </>
      }
    >
      <StreamOrders
        chosen={rows.filter((it) => chosen.has(it.id))}
        onDone={() => setChosen(new Set())}
      />
      <Panel
        title="Newest first"
        side={<span className="muted small">{shown.length} shown</span>}
        flush
      >
        <Shows of={live}>
          {() => <StreamTable rows={shown} chosen={chosen} onChoose={setChosen} />}
        </Shows>
      </Panel>
      {older.error && (
        <ProblemView problem={problemIn(older.error)} onRetry={() => void older.refetch()} />
      )}
      {older.hasNextPage && (
        <div>
          <Button onClick={() => void older.fetchNextPage()} disabled={older.isFetching}>
            {older.isFetching ? "Reading …" : "Older streams"}
          </Button>
        </div>
      )}
    </Page>
  );
}

/** What was read once and what is followed, each stream once: ids grow with time. */
export function merged(newest: readonly Stream[], older: readonly Stream[]): Stream[] {
  const byId = new Map(older.map((it) => [it.id, it]));
  for (const it of newest) byId.set(it.id, it);
  return [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
}
