import { Button, Checkbox, SegmentedControl } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { DEFAULT_CLUSTER, place } from "../../api/place";
import { problemIn } from "../../api/problem";
import { sh } from "../../logic/shell";
import { CopyCli } from "../../parts/Act";
import { Filter } from "../../parts/Filter";
import { useMore } from "../../parts/More";
import { Page, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Refresh } from "../../parts/Refresh";
import { Empty, Loading } from "../../parts/Shows";
import { type Column, Table } from "../../parts/Table";
import { Moment } from "../../parts/When";
import { entriesOf, type Looked, useIsOne } from "./chain";
import { EntryDialog } from "./Entry";
import { type Entry, entry } from "./entry";
import { Outcome } from "./Outcome";

const route = getRouteApi("/frame/audit");
const PAGE = 200;
const SETTLED_MS = 300;

const COLUMNS: Column<Entry>[] = [
  { id: "sequence", title: "#", isNumber: true, cell: (it) => it.sequence, width: "64px" },
  { id: "at", title: "Time", cell: (it) => <Moment at={it.at} />, width: "150px" },
  { id: "user", title: "Who", cell: (it) => it.user },
  { id: "action", title: "What", cell: (it) => it.action },
  { id: "object", title: "Of", cell: (it) => <span title={it.object}>{it.object}</span> },
  { id: "outcome", title: "Outcome", cell: (it) => <Outcome of={it} /> },
  { id: "why", title: "Why", cell: (it) => it.why },
  { id: "from", title: "From", cell: (it) => <span className="mono">{it.from}</span> },
];

const CLUSTER = place.cluster ?? DEFAULT_CLUSTER;

/** Who did what. Entries form a chain, so that none can be changed unseen. */
export function Audit() {
  const { of = "cluster", who = "", filter = "", only, entry: open } = route.useSearch();
  const navigate = route.useNavigate();
  const isOne = useIsOne();
  const ofServer = isOne || of === "server";
  const onlyRefused = only === "refused";
  const typed = { who, object: filter, onlyRefused };
  const [looked] = useDebouncedValue<Looked>(typed, SETTLED_MS);
  const set = (change: Record<string, string | undefined>) =>
    void navigate({ search: (it) => ({ ...it, ...change }), replace: true });
  const audit = useInfiniteQuery({
    queryKey: ["audit", ofServer, looked.who, looked.object, onlyRefused],
    queryFn: ({ pageParam }) =>
      entriesOf(ofServer ? "server" : "cluster", { ...looked, onlyRefused }, PAGE, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const more = useMore(audit);
  const rows = audit.data?.pages.flatMap((it) => it.items.map(entry)) ?? [];
  const chosen = rows.find((it) => String(it.sequence) === open);
  return (
    <Page
      title="Audit"
      actions={
        <>
          {isOne === false && (
            <SegmentedControl
              size="xs"
              aria-label="Whose audit"
              data={[
                { value: "cluster", label: `Cluster ${CLUSTER}` },
                { value: "server", label: "This server" },
              ]}
              value={ofServer ? "server" : "cluster"}
              onChange={(it) => set({ of: it === "server" ? it : undefined, entry: undefined })}
            />
          )}
          <Checkbox
            size="xs"
            label="Only what was refused"
            checked={onlyRefused}
            onChange={(event) => set({ only: event.currentTarget.checked ? "refused" : undefined })}
          />
          <Filter
            label="By whom"
            value={who}
            onChange={(it) => set({ who: it.trim() || undefined })}
          />
          <Filter label="Of" value={filter} onChange={(it) => set({ filter: it || undefined })} />
          <Refresh of={audit} />
          <CopyCli command={commandOf(typed, isOne === false && !ofServer)} />
        </>
      }
    >
      {isOne === false && (
        <p className="muted small">
          {ofServer
            ? "What was done at this configuration server: log-ins, users, projects, the fleet."
            : `What was done on the cluster ${CLUSTER}: deployments, schedules, streams, keys. Log-ins and projects stand in that of this server.`}
        </p>
      )}
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
              onEnd={more}
              onOpen={(it) => set({ entry: String(it.sequence) })}
              empty={
                who || filter || onlyRefused ? (
                  <Empty
                    what="No entry has that"
                    why="All entries were looked at: a name of a user is to be written in full, of what it was done to any part."
                  />
                ) : (
                  <Empty
                    what="Nothing was done yet"
                    why="Whatever changes something is written down here, done or refused."
                    cli="weir audit list"
                  />
                )
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
      {chosen && <EntryDialog of={chosen} onClose={() => set({ entry: undefined })} />}
    </Page>
  );
}

function commandOf({ who, object, onlyRefused }: Looked, isOfCluster: boolean): string {
  const given = [
    ...(who ? ["--user", who] : []),
    ...(object ? ["--object", object] : []),
    ...(onlyRefused ? ["--refused"] : []),
    ...(isOfCluster ? ["--cluster", CLUSTER] : []),
  ];
  return sh`weir audit list ${given}`;
}
