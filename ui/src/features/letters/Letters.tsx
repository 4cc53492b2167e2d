import { Select } from "@mantine/core";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { count, short } from "../../logic/format";
import { Act, CopyCli } from "../../parts/Act";
import { Filter } from "../../parts/Filter";
import { More, useMore } from "../../parts/More";
import { Name } from "../../parts/Name";
import { Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Refresh } from "../../parts/Refresh";
import { Empty, Loading } from "../../parts/Shows";
import { State } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { Ago } from "../../parts/When";
import { Export } from "./Export";
import { Groups } from "./Groups";
import { Letter } from "./Letter";
import { type Chosen, command, lookName, type Letter as Shown } from "./letters";
import css from "./letters.module.css";
import { Replays } from "./Replays";
import { Send, type Verb } from "./Send";

const route = getRouteApi("/frame/workflows/$name");
const PAGE = 200;
const STATES = ["waiting", "replaying", "replayed", "discarded"];

const COLUMNS: Column<Shown>[] = [
  {
    id: "state",
    title: "State",
    value: (it) => it.state,
    cell: (it) => <State name={lookName(it.state)} />,
    width: "110px",
  },
  { id: "stage", title: "Stage", value: (it) => it.stage, cell: (it) => it.stage },
  {
    id: "reason",
    title: "Why",
    value: (it) => it.reason,
    cell: (it) => <span title={it.reason}>{it.reason}</span>,
    isRest: true,
  },
  { id: "item", title: "Item", value: (it) => it.item, cell: (it) => <Name of={it.item} /> },
  {
    id: "position",
    title: "Record",
    isNumber: true,
    value: (it) => it.position,
    cell: (it) => count(it.position),
  },
  {
    id: "attempt",
    title: "Failed",
    isNumber: true,
    value: (it) => it.attempt,
    cell: (it) => it.attempt,
  },
  { id: "at", title: "Since", value: (it) => it.at, cell: (it) => <Ago at={it.at} /> },
];

/** What the letter that is open says itself. */
const IN_LETTER = new Set(["item", "position", "attempt"]);
const BESIDE = COLUMNS.filter((it) => !IN_LETTER.has(it.id));

/** The records of a workflow that failed: why, what they are, and putting them through again. */
export function Letters({ detail }: { detail: Schemas["WorkflowDetail"] }) {
  const workflow = detail.name;
  const { stage, reason, state, letter } = route.useSearch();
  const navigate = route.useNavigate();
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [sent, setSent] = useState<{ verb: Verb; of: Chosen }>();
  const set = (more: Partial<Record<"stage" | "reason" | "state" | "letter", string>>) =>
    void navigate({ search: (before) => ({ ...before, ...more }), replace: true });
  const filter = { stage, reason, state: state as Schemas["LetterState"] | undefined };
  const letters = useInfiniteQuery({
    queryKey: ["letters", workflow, stage, reason, state],
    queryFn: ({ pageParam }) => lettersOf(workflow, { ...filter, limit: PAGE, cursor: pageParam }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: (before) => before,
  });
  const more = useMore(letters);
  const rows = useMemo(() => letters.data?.pages.flatMap((it) => it.items) ?? [], [letters.data]);
  const again = () => void queries.invalidateQueries({ queryKey: ["letters", workflow] });
  const news = useNews(detail, filter, rows, letters.dataUpdatedAt);
  const of: Chosen = chosen.size > 0 ? { ids: [...chosen] } : { stage, reason };
  const shown = rows.find((it) => it.id === letter);
  const isFiltered = Boolean(stage || reason || state);
  return (
    <>
      <Replays workflow={workflow} onEnd={again} />
      <Groups
        workflow={workflow}
        isAt={(it) => it.stage === stage && it.needle === (reason ?? "")}
        onChoose={(it) => set({ stage: it?.stage, reason: it?.needle || undefined })}
      />
      <div className={shown ? css.with : undefined}>
        <Panel
          title="Dead letters"
          flush
          side={
            <div className="row">
              <Select
                aria-label="Stage"
                placeholder="All stages"
                clearable
                data={[
                  ...new Set([...detail.stages.map((it) => it.id), ...(stage ? [stage] : [])]),
                ]}
                value={stage ?? null}
                onChange={(it) => set({ stage: it ?? undefined })}
                w={130}
              />
              <Select
                aria-label="State"
                placeholder="All states"
                clearable
                data={STATES}
                value={state ?? null}
                onChange={(it) => set({ state: it ?? undefined })}
                w={110}
              />
              <Filter
                label="Reason"
                value={reason ?? ""}
                onChange={(it) => set({ reason: it || undefined })}
              />
              <Act
                label={chosen.size > 0 ? `Replay (${chosen.size}) …` : "Replay …"}
                claim="stream:control"
                isMain
                not={rows.length === 0 && "There is no letter"}
                onAct={() => setSent({ verb: "replay", of })}
              />
              <Act
                label={chosen.size > 0 ? `Discard (${chosen.size}) …` : "Discard …"}
                claim="stream:control"
                isDanger
                not={rows.length === 0 && "There is no letter"}
                onAct={() => setSent({ verb: "discard", of })}
              />
              <Export
                workflow={workflow}
                of={{ stage, reason, state }}
                isEmpty={rows.length === 0}
              />
              <Refresh
                of={{ ...letters, refetch: again }}
                label={news > 0 ? `Refresh: ${short(news)} new` : undefined}
              />
              <CopyCli command={command("list", workflow, { stage, reason, state })} />
            </div>
          }
        >
          {letters.error && (
            <ProblemView
              problem={problemIn(letters.error)}
              onRetry={() => void letters.refetch()}
            />
          )}
          {letters.isPending ? (
            <Loading />
          ) : (
            !letters.error && (
              <Table
                name="Dead letters"
                columns={shown ? BESIDE : COLUMNS}
                rows={rows}
                keyOf={(it) => it.id}
                nameOf={(it) => `record ${it.position} of ${it.item}`}
                onOpen={(it) => set({ letter: it.id })}
                chosen={chosen}
                onChoose={setChosen}
                onEnd={more}
                empty={
                  isFiltered ? (
                    <Empty what="No letter has that" why="Others are left out by the filter." />
                  ) : (
                    <Empty
                      what="There are no dead letters"
                      why="A record that can't be read, mapped or written is kept here, with the reason, where onError of its stage says deadLetter."
                      cli={command("list", workflow, {})}
                    />
                  )
                }
              />
            )
          )}
          <More of={letters} label="Older letters" className={css.more} />
        </Panel>
        {shown && (
          <Letter
            key={shown.id}
            workflow={workflow}
            letter={shown}
            onReplay={() => setSent({ verb: "replay", of: { ids: [shown.id] } })}
            onClose={() => set({ letter: undefined })}
          />
        )}
      </div>
      {sent && (
        <Send
          verb={sent.verb}
          workflow={workflow}
          of={sent.of}
          onDone={() => {
            setChosen(new Set());
            again();
          }}
          onClose={() => setSent(undefined)}
        />
      )}
    </>
  );
}

interface Asked {
  stage?: string | undefined;
  reason?: string | undefined;
  state?: Schemas["LetterState"] | undefined;
  limit?: number;
  cursor?: string | undefined;
}

const lettersOf = (name: string, query: Asked) =>
  answered(api.GET("/api/v1/workflows/{name}/dead-letters", { params: { path: { name }, query } }));

/**
 * How many letters came since they were read. What is counted and what is listed come by two ways: whether there is
 * a letter that the list has not is asked once more are counted.
 */
function useNews(
  { name, counts }: Schemas["WorkflowDetail"],
  filter: Asked,
  rows: readonly Shown[],
  readAt: number,
): number {
  const { deadLetters } = counts;
  const [then, setThen] = useState({ readAt, count: deadLetters });
  if (then.readAt !== readAt) setThen({ readAt, count: deadLetters });
  const { data: newest } = useQuery({
    queryKey: ["letters", name, "newest", filter, then],
    queryFn: async () => {
      const { items } = await lettersOf(name, { ...filter, limit: 1 });
      return { id: items[0]?.id, count: deadLetters };
    },
    enabled: deadLetters > then.count && readAt > 0,
    gcTime: 0,
  });
  if (!newest) return 0;
  const isListed = newest.id === undefined || rows.some((it) => it.id === newest.id);
  if (isListed && newest.count !== then.count) setThen({ readAt, count: newest.count });
  return isListed ? 0 : deadLetters - then.count;
}
