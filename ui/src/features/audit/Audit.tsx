import { Button, Checkbox } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { problemIn } from "../../api/problem";
import { CopyCli } from "../../parts/Act";
import { Filter } from "../../parts/Filter";
import { Page, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Refresh } from "../../parts/Refresh";
import { Empty, Loading } from "../../parts/Shows";
import { Mark } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { matches } from "../../parts/table";
import { Moment } from "../../parts/When";
import { type Entry, entry } from "./entry";

const PAGE = 200;

const COLUMNS: Column<Entry>[] = [
  { id: "sequence", title: "#", isNumber: true, cell: (it) => it.sequence, width: "64px" },
  { id: "at", title: "Time", cell: (it) => <Moment at={it.at} />, width: "150px" },
  { id: "user", title: "Who", cell: (it) => it.user },
  { id: "action", title: "What", cell: (it) => it.action },
  { id: "object", title: "Of", cell: (it) => <span title={it.object}>{it.object}</span> },
  {
    id: "outcome",
    title: "Outcome",
    cell: (it) => (
      <span title={it.why}>
        <Mark tone={it.outcome === "done" ? "ok" : it.outcome === "refused" ? "warn" : "err"}>
          {it.outcome}
        </Mark>
      </span>
    ),
  },
  { id: "why", title: "Why", cell: (it) => it.why },
  { id: "from", title: "From", cell: (it) => <span className="mono">{it.from}</span> },
];

/** Who did what. Entries form a chain, so that none can be changed unseen. */
export function Audit() {
  const [typed, setTyped] = useState("");
  const [onlyRefused, setOnlyRefused] = useState(false);
  const audit = useInfiniteQuery({
    queryKey: ["audit", onlyRefused],
    queryFn: ({ pageParam }) =>
      answered(
        api.GET("/api/v1/audit", {
          params: { query: { limit: PAGE, cursor: pageParam, onlyRefused } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: (before) => before,
  });
  const all = audit.data?.pages.flatMap((it) => it.items.map(entry)) ?? [];
  const rows = all.filter((it) =>
    matches(`${it.user} ${it.action} ${it.object} ${it.from}`, typed),
  );
  return (
    <Page
      title="Audit"
      actions={
        <>
          <Checkbox
            size="xs"
            label="Only what was refused"
            checked={onlyRefused}
            onChange={(event) => setOnlyRefused(event.currentTarget.checked)}
          />
          <Filter value={typed} onChange={setTyped} />
          <Refresh of={audit} />
          <CopyCli command="weir audit list" />
        </>
      }
    >
      <Panel title="Newest first" flush>
        {audit.error && (
          <ProblemView problem={problemIn(audit.error)} onRetry={() => void audit.refetch()} />
        )}
        {audit.isPending ? (
          <Loading />
        ) : (
          !audit.error && (
            <Table
              name="Audit"
              columns={COLUMNS}
              rows={rows}
              keyOf={(it) => String(it.sequence)}
              empty={
                <Empty
                  what="Nothing was done yet"
                  why="Whatever changes something is written down here, done or refused."
                  cli="weir audit list"
                />
              }
            />
          )
        )}
      </Panel>
      {audit.hasNextPage && (
        <div>
          <Button onClick={() => void audit.fetchNextPage()} disabled={audit.isFetching}>
            Older entries
          </Button>
        </div>
      )}
    </Page>
  );
}
