// One item: what it is now, and what happened to it, newest first.
import { Button } from "@mantine/core";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { bytes, count, duration } from "../../logic/format";
import { names, sh } from "../../logic/shell";
import { Act, CopyCli } from "../../parts/Act";
import { Facts, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Refresh } from "../../parts/Refresh";
import { Empty, Loading } from "../../parts/Shows";
import { State } from "../../parts/State";
import { Ago, Moment } from "../../parts/When";
import css from "./access.module.css";
import { keyOf, nodeOf } from "./items";
import { Reset } from "./Reset";

type Happening = Schemas["ItemHappening"];
const PAGE = 50;

export function Item({ source, name }: { source: string; name: string }) {
  const queries = useQueryClient();
  const [resets, setResets] = useState(false);
  const now = useQuery({
    queryKey: ["items", source, "one", name],
    queryFn: async () => {
      // What matches may be others, too, where the name has what stands for any text.
      const query = { source, pattern: name, limit: 500 };
      const { items } = await answered(api.GET("/api/v1/items", { params: { query } }));
      return items.find((it) => it.name === name) ?? null;
    },
  });
  const history = useInfiniteQuery({
    queryKey: ["items", source, "history", name],
    queryFn: ({ pageParam }) => {
      const query = { source, name, limit: PAGE, cursor: pageParam };
      return answered(api.GET("/api/v1/items:history", { params: { query } }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const all = history.data?.pages.flatMap((it) => it.items) ?? [];
  const again = () => void queries.invalidateQueries({ queryKey: ["items", source] });
  return (
    <>
      <p>
        <Link from="/access" to="/access" search={(it) => ({ ...it, item: undefined })}>
          All items of {source}
        </Link>
      </p>
      <Panel
        title={name}
        side={
          <div className="row">
            <Act
              label="Reset …"
              about={name}
              claim="access:manage"
              not={now.data === null && "It is not known: it is read when it is found"}
              onAct={() => setResets(true)}
            />
            <CopyCli command={sh`weir access history --source ${source} ${names([name])}`} />
          </div>
        }
      >
        {now.error && <ProblemView problem={problemIn(now.error)} />}
        {now.isPending && <Loading lines={3} />}
        {now.data === null && (
          <p>
            The source knows nothing of it now: it was forgotten, or never found. It is read as soon
            as it is found.
          </p>
        )}
        {now.data && <Now of={now.data} />}
      </Panel>
      <Panel
        title="What happened to it"
        side={<Refresh of={{ ...history, refetch: again }} />}
        flush
      >
        {history.error && (
          <ProblemView problem={problemIn(history.error)} onRetry={() => void history.refetch()} />
        )}
        {history.isPending && <Loading lines={4} />}
        {history.data && all.length === 0 && !history.hasNextPage && (
          <Empty
            what="Nothing happened to it, as far as is kept"
            why="Streams are kept for a time, and resets as long as their part of the audit."
          />
        )}
        <ol className={css.history} aria-label={`History of ${name}`}>
          {all.map((it) => (
            <Entry key={keyOf(it)} of={it} />
          ))}
        </ol>
        {history.hasNextPage && (
          <div className={css.more}>
            <Button onClick={() => void history.fetchNextPage()} disabled={history.isFetching}>
              Older
            </Button>
          </div>
        )}
      </Panel>
      {resets && (
        <Reset
          source={source}
          what={{ names: [name] }}
          onDone={again}
          onClose={() => setResets(false)}
        />
      )}
    </>
  );
}

function Now({ of }: { of: Schemas["Item"] }) {
  return (
    <Facts
      of={[
        ["State", <State key="s" name={of.status} />],
        ["Size", bytes(of.size)],
        ["Changed", <Moment key="m" at={of.modifiedAt} />],
        ["Claimed", <Ago key="c" at={of.claimedAt} />],
        ["Settled", of.settledAt && <Ago key="e" at={of.settledAt} />],
        ["Given clearance", of.clearedAt && <Ago key="g" at={of.clearedAt} />],
        ["On", of.owner && <OfNode key="n" name={nodeOf(of.owner)} instance={of.instance} />],
        ["Stream", of.stream && <OfStream key="t" id={of.stream} />],
      ]}
    />
  );
}

const OfNode = ({ name, instance }: { name: string; instance: number | null | undefined }) => (
  <>
    <Link to="/nodes/$name" params={{ name }}>
      {name}
    </Link>
    {typeof instance === "number" && ` #${instance}`}
  </>
);

const OfStream = ({ id }: { id: string }) => (
  <Link to="/streams/$id" params={{ id }} className="mono">
    {id}
  </Link>
);

function Entry({ of }: { of: Happening }) {
  return (
    <li>
      <span className="muted">
        <Moment at={of.at} />
      </span>
      {of.what === "run" ? <Run of={of} /> : <Forgotten of={of} />}
    </li>
  );
}

function Run({ of }: { of: Happening & { what: "run" } }) {
  const { counts, error } = of;
  const lasted = of.endedAt ? Date.parse(of.endedAt) - Date.parse(of.at) : undefined;
  const told: ReactNode[] = [
    `${count(counts.recordsIn)} in, ${count(counts.recordsOut)} out`,
    counts.deadLetters > 0 && `${count(counts.deadLetters)} dead letters`,
    of.attempts > 1 && `begun ${of.attempts} times`,
    lasted === undefined ? "still open" : `took ${duration(lasted)}`,
  ];
  return (
    <div>
      <span className="row">
        <State name={of.state} /> <OfStream id={of.stream} /> on{" "}
        <OfNode name={nodeOf(of.node)} instance={of.instance} />
      </span>
      <p className="muted small">{told.filter(Boolean).join(" · ")}</p>
      {error && (
        <p className={css.error}>
          {error.message} <code className="muted">{error.code}</code>
          {error.hint && <span className="muted small"> {error.hint}</span>}
        </p>
      )}
    </div>
  );
}

function Forgotten({ of }: { of: Happening & { what: "reset" } }) {
  return (
    <div>
      <span className="row">
        <span>
          <span aria-hidden="true">↺</span> {of.isCertain ? "Reset" : "Perhaps reset"} by{" "}
          <Link to="/audit" search={{ who: of.by }}>
            {of.by}
          </Link>
        </span>
      </span>
      <p className="muted small">
        {of.isCertain
          ? "It was forgotten, so that it is read again when it is found."
          : "That reset was limited to a state or a time, or its list of names is not kept: it may have left this one alone."}
      </p>
    </div>
  );
}
