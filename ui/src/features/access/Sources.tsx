import { Select } from "@mantine/core";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { useLive } from "../../live";
import { bytes, count, words } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Act } from "../../parts/Act";
import { Filter } from "../../parts/Filter";
import { More, useMore } from "../../parts/More";
import { Name } from "../../parts/Name";
import { Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Refresh } from "../../parts/Refresh";
import { Empty, Loading, Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { Ago } from "../../parts/When";
import css from "./access.module.css";
import { Item as One } from "./Item";
import { areSettled, nodeOf } from "./items";
import { Reset } from "./Reset";

type Item = Schemas["Item"];
const route = getRouteApi("/frame/access");
const PAGE = 200;
const LOOKS = 60;
const STATUSES = [
  "waiting",
  "pending",
  "acquired",
  "committing",
  "done",
  "failed",
  "denied",
  "released",
] as const;

/** Sources on the left, what they handed out on the right. */
export function Sources() {
  const standing = useLive("sources");
  const { source, item } = route.useSearch();
  const navigate = route.useNavigate();
  // One that was forgotten has its history all the same, whatever sources there are.
  if (source && item) return <One key={`${source} ${item}`} source={source} name={item} />;
  return (
    <Shows of={standing}>
      {({ items }) => {
        const chosen = items.find((it) => it.source === source) ?? items[0];
        if (!chosen)
          return (
            <Empty
              what="No source handed anything out yet"
              why="A source remembers each item, as a file, that a workflow took: what is done is not taken again."
              cli="weir access sources"
            />
          );
        return (
          <div className={css.sources}>
            <Panel title="Sources" flush>
              <ul className={css.list}>
                {items.map((it) => (
                  <li key={it.source}>
                    <button
                      type="button"
                      aria-pressed={it.source === chosen.source}
                      onClick={() =>
                        void navigate({
                          search: { tab: "sources", source: it.source },
                          replace: true,
                        })
                      }
                    >
                      <span className="grow cut">{it.source}</span>
                      <Counts of={it} />
                    </button>
                  </li>
                ))}
              </ul>
            </Panel>
            <Items key={chosen.source} source={chosen.source} counts={chosen.counts} />
          </div>
        );
      }}
    </Shows>
  );
}

function Counts({ of }: { of: Schemas["Source"] }) {
  return (
    <span className="small">
      {Object.entries(of.counts).map(([status, it]) => (
        <span key={status} className={css.count} title={words(status)}>
          <State name={status} />{" "}
          <span className="mono">
            {count(it.count)}
            {it.hasMore && "+"}
          </span>
        </span>
      ))}
    </span>
  );
}

const COLUMNS: Column<Item>[] = [
  {
    id: "name",
    title: "Item",
    value: (it) => it.name,
    cell: (it) => (
      <Link
        from="/access"
        to="/access"
        search={(all) => ({ ...all, source: it.source, item: it.name })}
      >
        <Name of={it.name} />
      </Link>
    ),
  },
  {
    id: "status",
    title: "State",
    value: (it) => it.status,
    cell: (it) => <State name={it.status} />,
    width: "120px",
  },
  {
    id: "size",
    title: "Size",
    isNumber: true,
    value: (it) => it.size,
    cell: (it) => bytes(it.size),
  },
  {
    id: "claimed",
    title: "Claimed",
    value: (it) => it.claimedAt,
    cell: (it) => <Ago at={it.claimedAt} />,
  },
  {
    id: "settled",
    title: "Settled",
    value: (it) => it.settledAt ?? undefined,
    cell: (it) => <Ago at={it.settledAt} />,
  },
  {
    id: "owner",
    title: "Owner",
    value: (it) => it.owner ?? "",
    cell: (it) => (it.owner ? `${nodeOf(it.owner)}${it.instance ? ` #${it.instance}` : ""}` : "–"),
  },
  {
    id: "stream",
    title: "",
    cell: (it) =>
      it.stream ? (
        <Link to="/streams/$id" params={{ id: it.stream }}>
          Stream
        </Link>
      ) : (
        ""
      ),
  },
];

interface ItemsProps {
  source: string;
  /** As they are by now. */
  counts: Schemas["Source"]["counts"];
}

function Items({ source, counts }: ItemsProps) {
  const { status, pattern } = route.useSearch();
  const navigate = route.useNavigate();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [resets, setResets] = useState<"chosen" | "all">();
  const queries = useQueryClient();
  const set = (more: { status?: string; pattern?: string }) =>
    void navigate({ search: (before) => ({ ...before, ...more }), replace: true });
  const items = useInfiniteQuery({
    queryKey: ["items", source, status, pattern],
    queryFn: ({ pageParam }) => {
      const query = {
        source,
        status: status as Schemas["ItemStatus"] | undefined,
        pattern: pattern || undefined,
        limit: PAGE,
        cursor: pageParam,
      };
      return answered(api.GET("/api/v1/items", { params: { query } }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: (before) => before,
  });
  const { data } = items;
  // The same list as long as nothing is read: it may be long, and is sorted.
  const rows = useMemo(() => data?.pages.flatMap((it) => it.items) ?? [], [data]);
  const more = useMore(items);
  const now = JSON.stringify(counts);
  const isPast = useIsPast(now, items.dataUpdatedAt);
  const [awaited, setAwaited] = useState<Awaited>();
  // Who has reset some waits for what becomes of them: the list goes along until they have ended.
  useEffect(() => {
    if (!awaited || !isPast || items.isFetching) return;
    if (awaited.left === 0 || areSettled(awaited.names, rows)) return setAwaited(undefined);
    setAwaited({ ...awaited, left: awaited.left - 1 });
    void items.refetch();
  });
  return (
    <Panel
      title={source}
      flush
      side={
        <div className="row">
          <Select
            aria-label="State"
            placeholder="All states"
            clearable
            data={STATUSES.map((it) => ({ value: it, label: words(it) }))}
            value={status ?? null}
            onChange={(it) => set({ status: it ?? undefined })}
            w={130}
          />
          <Filter
            label="Name, as 2026-*"
            value={pattern ?? ""}
            onChange={(it) => set({ pattern: it || undefined })}
          />
          <Act
            label={`Reset chosen (${chosen.size}) …`}
            claim="access:manage"
            not={chosen.size === 0 && "No item is chosen"}
            onAct={() => setResets("chosen")}
          />
          <Act
            label="Reset all that match …"
            claim="access:manage"
            not={rows.length === 0 && "No item matches"}
            onAct={() => setResets("all")}
          />
          <Refresh of={items} label={isPast && !awaited ? "Refresh: it changed" : undefined} />
        </div>
      }
    >
      {items.error && (
        <ProblemView problem={problemIn(items.error)} onRetry={() => void items.refetch()} />
      )}
      {items.isPending ? (
        <Loading />
      ) : (
        <Table
          name={`Items of ${source}`}
          columns={COLUMNS}
          rows={rows}
          keyOf={(it) => it.name}
          chosen={chosen}
          onChoose={setChosen}
          onEnd={more}
          empty={
            <Empty
              what="No item matches"
              why="Others of this source are left out by the filter."
              cli={sh`weir access items --source ${source}`}
            />
          }
        />
      )}
      <More of={items} label="More" className={css.more} />
      {resets && (
        <Reset
          source={source}
          what={
            resets === "chosen"
              ? { names: [...chosen] }
              : { status: status as Schemas["ItemStatus"] | undefined, pattern }
          }
          onDone={() => {
            const names = resets === "chosen" ? [...chosen] : rows.map((it) => it.name);
            setAwaited({ names, left: LOOKS });
            setChosen(new Set());
            void queries.invalidateQueries({ queryKey: ["items", source] });
          }}
          onClose={() => setResets(undefined)}
        />
      )}
    </Panel>
  );
}

interface Awaited {
  names: string[];
  /** How often the list is read for them still: one may never be found again. */
  left: number;
}

/** What is followed is not as it was when the list was read. */
function useIsPast(now: string, readAt: number): boolean {
  const [then, setThen] = useState({ readAt, was: now });
  if (then.readAt !== readAt) setThen({ readAt, was: now });
  return then.readAt === readAt && then.was !== now;
}
