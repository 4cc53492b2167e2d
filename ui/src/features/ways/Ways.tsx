import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Fragment, type ReactNode } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { useSession } from "../../app/session";
import { useLive } from "../../live";
import { count, plural } from "../../logic/format";
import { CopyText } from "../../parts/CopyText";
import { Ago } from "../../parts/When";
import { did, failedAt, type Kept, keptOf, type One } from "./did";
import type { Known } from "./useWays";
import { again, type Way } from "./ways";
import css from "./ways.module.css";

type Summary = Schemas["WorkflowSummary"];
type Stages = readonly Schemas["Stage"][];

/** Where a workflow reads and writes, what it did last, and what failed: in the same place for each. */
export function WaysOf(props: {
  of: Summary;
  known: Known | undefined;
  /** It stands on the workflow's own page. */
  isOwn?: boolean;
  /** Who knows his way wants no more than what is. */
  isBare?: boolean;
}) {
  const { of, known } = props;
  const stages = useLive(`workflow:${of.name}`).value?.stages ?? [];
  const streams = useLive("streams").value?.items;
  const newest = streams?.find((it) => it.workflow === of.name);
  const { reads = [], writes = [] } = known?.ways ?? {};
  const isOfFiles =
    reads.some((it) => it.kind === "file") ||
    stages.some((it) => it.role === "source" && it.kind === "file");
  const one = isOfFiles ? "file" : "stream";
  return (
    <dl className={css.ways}>
      <Row term="Did">
        <Did of={of} stages={stages} newest={newest} one={one} />
      </Row>
      {reads.length > 0 && (
        <Row term="Reads">
          {reads.map((it) => (
            <Place key={it.stage} of={it} records={counted(stages, it.stage)?.recordsIn} />
          ))}
        </Row>
      )}
      {writes.length > 0 && (
        <Row term="Writes">
          {writes.map((it) => (
            <Place key={it.stage} of={it} records={counted(stages, it.stage)?.recordsOut} />
          ))}
        </Row>
      )}
      {of.counts.deadLetters > 0 && (
        <Row term="Failed">
          <Failed of={of} one={one} stages={stages} directory={known?.ways.letters} />
        </Row>
      )}
      {known && !props.isBare && (
        <Next of={of} known={known} item={newest?.item} isOwn={props.isOwn} />
      )}
      {known && known.packages.length > 0 && (
        <Row term="">
          <span className="muted">
            Places are those that the project names now. What runs is{" "}
            {known.packages.map((it, at) => (
              <Fragment key={it.tag}>
                {at > 0 && ", "}
                {it.tag}, built <Ago at={it.builtAt} />
              </Fragment>
            ))}
            .
          </span>
        </Row>
      )}
      {known?.isOther && (
        <Row term="">
          <span data-tone="warn" className={css.other}>
            ◆ The project was changed since: this is what it says now, and what runs is older.
          </span>
        </Row>
      )}
    </dl>
  );
}

const Row = ({ term, children }: { term: string; children: ReactNode }) => (
  <div>
    <dt>{term}</dt>
    <dd>{children}</dd>
  </div>
);

const counted = (stages: Stages, id: string) => stages.find((it) => it.id === id)?.counts;

function Did(props: {
  of: Summary;
  stages: Stages;
  newest: Schemas["StreamSummary"] | undefined;
  one: One;
}) {
  const { of, newest } = props;
  return (
    <p>
      {did(of, props.one, props.stages)}
      {newest && (
        <>
          {" "}
          Newest:{" "}
          <Link to="/streams/$id" params={{ id: newest.id }}>
            {newest.item}
          </Link>
          , {plural(newest.counts.recordsIn, "record")},{" "}
          <Ago at={newest.closedAt ?? newest.openedAt} />.
        </>
      )}
      {of.lastStreamAt && (
        <span className="muted">
          {" "}
          Counted since it was started, <Ago at={of.startedAt} />.
        </span>
      )}
    </p>
  );
}

/** The address, and which of what is there. */
export function PlaceOf({ of: { kind, at, which } }: { of: Way }) {
  return (
    <>
      <code>{at || kind}</code>
      {at.startsWith("/") && <CopyText text={at} what="path" />}
      {which && <code className="muted">{which}</code>}
    </>
  );
}

/** One place that is read or written. */
function Place({ of, records }: { of: Way; records?: number }) {
  const { stage, what, done } = of;
  return (
    <p>
      <PlaceOf of={of} /> {records !== undefined && <span>{plural(records, "record")} </span>}
      <span className="muted">
        {records === undefined ? "" : "· "}stage {stage}
        {what && <> · {what}</>}
        {done && (
          <>
            {" "}
            What was read is moved to <code>{done}</code>.
          </>
        )}
      </span>
    </p>
  );
}

function Failed(props: { of: Summary; one: One; stages: Stages; directory: string | undefined }) {
  const { of, stages, directory } = props;
  const { may } = useSession();
  const kept = useKept(of);
  const isKept = of.rolledBack === 0 || kept?.letters !== 0;
  // Asked once for each view, whatever comes meanwhile: one of them says enough, and nothing is asked again and again.
  const { data: one } = useQuery({
    queryKey: ["a-letter", of.name],
    enabled: may("stream:sniff"),
    ...ONCE,
    queryFn: async () => {
      const path = "/api/v1/workflows/{name}/dead-letters";
      const params = { path: { name: of.name }, query: { limit: 1 } };
      return (await answered(api.GET(path, { params }))).items[0] ?? null;
    },
  });
  return (
    <p>
      <span data-tone="warn" className={css.tone}>
        ◆ {plural(of.counts.deadLetters, "record")}
      </span>
      {failedAt(stages)}. {keptOf(of.rolledBack, props.one, kept)}
      {isKept && (
        <>
          {" "}
          <Link to="/workflows/$name" params={{ name: of.name }} search={{ tab: "letters" }}>
            Look at them<span className="hidden"> of {of.name}</span>
          </Link>
        </>
      )}
      {isKept && directory && (
        <span className="muted">
          {" "}
          · also in <code>{directory}</code>
        </span>
      )}
      {one && (
        <span className="muted">
          {" "}
          · one of them: {one.item}{" "}
          {one.line ? `line ${count(one.line)}` : `record ${count(one.position)}`}, “{one.reason}”
        </span>
      )}
    </p>
  );
}

const ONCE = { retry: false, staleTime: Number.POSITIVE_INFINITY, gcTime: 0 };

/** The letters that are there: asked once, and again only where more streams were rolled back. */
function useKept(of: Summary): Kept | undefined {
  const { may } = useSession();
  const { name, rolledBack, counts } = of;
  const { data } = useQuery({
    queryKey: ["letters-kept", name, rolledBack],
    enabled: may("stream:sniff"),
    ...ONCE,
    placeholderData: (before: Kept | undefined) => before,
    queryFn: async () => {
      const path = "/api/v1/workflows/{name}/dead-letters:counts";
      const { total, hasMore } = await answered(api.GET(path, { params: { path: { name } } }));
      const failed = counts.deadLetters;
      // Not all are counted yet, and more than none are there.
      return { letters: hasMore ? Math.max(total, failed) : total, failed };
    },
  });
  return data;
}

/** How it is seen to run once more, and where it is changed. */
function Next(props: {
  of: Summary;
  known: Known;
  item: string | undefined;
  isOwn: boolean | undefined;
}) {
  const { of, known, item } = props;
  const command = item && known.ways.reads.map((it) => again(it, item)).find(Boolean);
  const params = { project: of.project, _splat: known.path };
  const [source] = known.ways.reads;
  return (
    <Row term="Next">
      <p>
        {command ? (
          <>
            Run it again with a file it has read: <code>{command}</code>
            <CopyText text={command} what="command" />
          </>
        ) : (
          source?.kind === "file" && (
            <Link to="/access" search={{ source: `${of.name}/${source.stage}` }}>
              What was read, and reading it again
            </Link>
          )
        )}
      </p>
      <p className={css.links}>
        {!props.isOwn && (
          <Link to="/workflows/$name" params={{ name: of.name }}>
            See its stages<span className="hidden"> ({of.name})</span>
          </Link>
        )}
        <Link to="/projects/$project/assets/$" params={params} search={{ trial: "open" }}>
          Try it on a sample<span className="hidden"> ({of.name})</span>
        </Link>
        <Link to="/projects/$project/assets/$" params={params}>
          Change it in the designer<span className="hidden"> ({of.name})</span>
        </Link>
      </p>
    </Row>
  );
}
