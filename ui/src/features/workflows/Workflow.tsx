import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { Suspense, useEffect, useMemo } from "react";
import type { Schemas } from "../../api/client";
import { history } from "../../live";
import { rates } from "../../live/history";
import { loadsOf, passingOf } from "../../live/stages";
import { bytes, count, plural, words } from "../../logic/format";
import { useNow } from "../../logic/now";
import { sh } from "../../logic/shell";
import { Act, CopyCli } from "../../parts/Act";
import { FailedItems } from "../../parts/FailedItems";
import { Explain, Hint } from "../../parts/Hint";
import { lazy } from "../../parts/lazy";
import { Facts, Page, Panel } from "../../parts/Page";
import { Loading, Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { Tabs } from "../../parts/Tabs";
import { useStable } from "../../parts/useStable";
import { Ago } from "../../parts/When";
import { useOrigin } from "../projects/origin";
import { StreamTable } from "../streams/StreamTable";
import { useStreams } from "../streams/useStreams";
import { useWays } from "../ways/useWays";
import { PlaceOf, WaysOf } from "../ways/Ways";
import type { Ways } from "../ways/ways";
import { edgeId } from "./edges";
import { flow } from "./flow";
import { Graph } from "./Graph";
import css from "./graph.module.css";
import { Instances } from "./Instances";
import { shape } from "./layout";
import { Nowhere } from "./Nowhere";
import { NumbersContext, useNumbers } from "./numbers";
import { Outline } from "./Outline";
import { outline } from "./outline";
import { Sample } from "./Sample";
import { useWorkflow } from "./useWorkflow";

type Detail = Schemas["WorkflowDetail"];
const route = getRouteApi("/frame/workflows/$name");
// Each is read from the server when somebody looks at it.
const Letters = lazy(() => import("../letters/Letters").then((it) => ({ default: it.Letters })));
const Savepoints = lazy(() =>
  import("../savepoints/Savepoints").then((it) => ({ default: it.Savepoints })),
);
const Metrics = lazy(() => import("./Metrics").then((it) => ({ default: it.Metrics })));
const LogsOf = lazy(() => import("../logs/OfOne").then((it) => ({ default: it.LogsOf })));
const TABS = [
  ["graph", "Graph"],
  ["instances", "Instances"],
  ["streams", "Streams"],
  ["sample", "Sample data"],
  ["metrics", "Metrics"],
  ["letters", "Dead letters"],
  ["savepoints", "Savepoints"],
  ["logs", "Logs"],
] as const;

export function Workflow() {
  const { name } = route.useParams();
  const { tab = "graph" } = route.useSearch();
  const { nowhere, ...standing } = useWorkflow(name);
  return (
    <Page
      title={name}
      mark={!nowhere && standing.value && <State name={standing.value.state} />}
      actions={<Actions name={name} />}
    >
      {nowhere && <Nowhere of={nowhere} at={standing.value && standing.at} />}
      {nowhere && !standing.value && <OfWorkflow workflow={name} />}
      {!(nowhere && !standing.value) && (
        <Shows of={standing}>
          {(detail) => (
            <>
              <Purpose detail={detail} />
              {!nowhere && <Sentence detail={detail} />}
              <Tabs all={TABS} at={tab} />
              <Suspense fallback={<Loading />}>
                {tab === "graph" && <Stages detail={detail} />}
                {tab === "instances" && <Instances workflow={name} />}
                {tab === "streams" && <OfWorkflow workflow={name} />}
                {tab === "sample" && <Sample detail={detail} />}
                {tab === "metrics" && <Metrics detail={detail} />}
                {tab === "letters" && <Letters detail={detail} />}
                {tab === "savepoints" && <Savepoints workflow={name} />}
                {tab === "logs" && <LogsOf workflow={name} />}
              </Suspense>
            </>
          )}
        </Shows>
      )}
    </Page>
  );
}

/** What it is for, as its asset says; and where it is drawn. */
function Purpose({ detail }: { detail: Detail }) {
  const origin = useOrigin(detail.project, detail.name);
  if (!origin) return null;
  return (
    <p className={css.purpose}>
      {origin.description && <span>{origin.description}</span>}
      <Link
        to="/projects/$project/assets/$"
        params={{ project: detail.project, _splat: origin.path }}
      >
        Open in the designer
      </Link>
    </p>
  );
}

function Actions({ name }: { name: string }) {
  const navigate = useNavigate();
  return (
    <>
      <Act
        label="Scale …"
        claim="schedule:read"
        onAct={() => void navigate({ to: "/scheduler", search: { workflow: name } })}
      />
      <Explain id="workflow" />
      <CopyCli command={sh`weir workflow show ${name}`} />
    </>
  );
}

/** How long ago it is looked at how stages spend their time: what is so at one moment alone is no news. */
const LOOKS_MS = [0, 3_000, 6_000, 9_000, 12_000];

function Sentence({ detail }: { detail: Detail }) {
  const now = useNow();
  // The graph is on one tab, and the sentence on each.
  useEffect(() => history.followStages(detail.name), [detail.name]);
  const looks = LOOKS_MS.map((ago) => loadsOf(history, detail, now - ago));
  const passing = passingOf(history, detail, now);
  const { tone, text } = flow(detail, rates(history.of(detail.name), now), looks, passing);
  return (
    <>
      <output className={css.sentence} data-tone={tone}>
        {text}
      </output>
      {detail.fault && <FailedItems of={detail.name} />}
    </>
  );
}

function Stages({ detail }: { detail: Detail }) {
  const { stage: chosen, port, to } = route.useSearch();
  const navigate = route.useNavigate();
  const choose = useStable((id: string | undefined) => {
    // Who chooses what is chosen wants no more of it.
    const stage = id === chosen && !to ? undefined : id;
    void navigate({ search: { stage }, resetScroll: false });
  });
  const tap = useStable(({ from, port, to }: Schemas["Edge"]) => {
    void navigate({ search: { stage: from, port, to }, resetScroll: false });
  });
  const form = shape(detail.stages, detail.edges);
  const numbers = useNumbers(detail, form);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is made anew for another form alone
  const lines = useMemo(() => outline(detail.stages, detail.edges), [form]);
  const stage = detail.stages.find((it) => it.id === chosen);
  const known = useWays(detail.project, detail.name);
  const looked = chosen && to && edgeId({ from: chosen, port: port ?? "out", to });
  return (
    <NumbersContext value={numbers}>
      <Hint id="workflow">
        <p>
          <strong>What you see:</strong> records go from left to right. <code>/s</code> is what
          passes a stage now, beside it what came in and went out since the workflow was started.
          Choose a stage for its counts; choose a line between two to look at the records that pass
          there. Both are reached by <code>Tab</code>, and stand in the outline, too.
        </p>
      </Hint>
      <Panel title="Stages, as they run" flush>
        <Graph
          detail={detail}
          form={form}
          chosen={to ? undefined : chosen}
          looked={looked}
          onChoose={choose}
          onEdge={tap}
        />
      </Panel>
      {to && <Sample detail={detail} />}
      {stage && !to && (
        <StageFacts
          stage={stage}
          ways={known?.ways}
          onSample={() => void navigate({ search: { tab: "sample", stage: stage.id } })}
        />
      )}
      <Panel title="What it did, and where">
        <WaysOf of={detail} known={known} isOwn />
      </Panel>
      <Panel title="Outline" flush>
        <Outline
          lines={lines}
          chosen={to ? undefined : chosen}
          looked={looked}
          onChoose={choose}
          onEdge={tap}
        />
      </Panel>
      <Panel title="What it is">
        <Facts
          of={[
            ["Project", detail.project],
            ["Started", <Ago key="s" at={detail.startedAt} />],
            ["Last stream", <Ago key="l" at={detail.lastStreamAt} />],
            ["Committed", count(detail.committed)],
            ["With warnings", count(detail.committedWithWarnings)],
            ["Rolled back", count(detail.rolledBack)],
            ["Read", bytes(detail.counts.bytesIn)],
            ["Written", bytes(detail.counts.bytesOut)],
          ]}
        />
      </Panel>
    </NumbersContext>
  );
}

function StageFacts(props: {
  stage: Schemas["Stage"];
  ways: Ways | undefined;
  onSample: () => void;
}) {
  const { stage, ways, onSample } = props;
  const { counts } = stage;
  const reads = ways?.reads.find((it) => it.stage === stage.id);
  const writes = ways?.writes.find((it) => it.stage === stage.id);
  return (
    <Panel
      title={`Stage ${stage.id}`}
      side={
        <div className="row">
          {counts.deadLetters > 0 && (
            <Link to="." search={{ tab: "letters", stage: stage.id }}>
              {plural(counts.deadLetters, "dead letter")}
            </Link>
          )}
          <Link to="." search={{ tab: "metrics", stage: stage.id }}>
            Metrics
          </Link>
          <Act label="Sample data" claim="stream:sniff" onAct={onSample} />
        </div>
      }
    >
      <Facts
        of={[
          ["Kind", words(stage.kind)],
          ["Reads", reads && <PlaceOf key="r" of={reads} />],
          ["Writes", writes && <PlaceOf key="w" of={writes} />],
          ["Bad records", words(stage.onError)],
          [
            "Written at",
            stage.place && (
              <span key="p" className="mono">
                {stage.place}
              </span>
            ),
          ],
          ["Records in", count(counts.recordsIn)],
          ["Records out", count(counts.recordsOut)],
          ["Dead letters", count(counts.deadLetters)],
          ["Ignored", count(counts.ignored)],
          ["Left out by rules", count(counts.dropped)],
          ["Bytes in", counts.bytesIn > 0 && bytes(counts.bytesIn)],
          ["Bytes out", counts.bytesOut > 0 && bytes(counts.bytesOut)],
        ]}
      />
    </Panel>
  );
}

function OfWorkflow({ workflow }: { workflow: string }) {
  const { live, rows, old } = useStreams({ workflow });
  return (
    <Panel
      title="Newest streams"
      side={
        <Link to="/streams" search={{ workflow }}>
          All of this workflow
        </Link>
      }
      flush
    >
      <Shows of={live}>{() => <StreamTable rows={rows} old={old} />}</Shows>
    </Panel>
  );
}
