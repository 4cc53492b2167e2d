import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { history, useLink, useLive } from "../../live";
import { rates } from "../../live/history";
import { silentMs } from "../../live/link";
import { rateSeries } from "../../live/series";
import { bytes, duration, plural, rate, short } from "../../logic/format";
import { asThen, isNote, type Known, type Sentence, sentence, troubles } from "../../logic/health";
import { lost, present } from "../../logic/nodes";
import { serverNow, useNow } from "../../logic/now";
import { CopyCli } from "../../parts/Act";
import { Chart } from "../../parts/Chart";
import { Explain, Hint } from "../../parts/Hint";
import { Page, Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { useKnown } from "../../parts/useKnown";
import { Ago } from "../../parts/When";
import { Controllers } from "./Controllers";
import { inForce } from "./inForce";
import css from "./overview.module.css";
import { GLYPHS, Problems } from "./Problems";
import { Running } from "./Running";
import { SetUp } from "./SetUp";

const SPAN_MS = 5 * 60_000;

/** How the cluster is, at a glance: a sentence, what is wrong, and how much flows. */
export function Overview() {
  const [members, leases, deployments] = [
    useLive("members"),
    useLive("leases"),
    useLive("deployments"),
  ];
  const known = useKnown();
  const { workflows } = known;
  const all = troubles(known);
  const running = useLive("workflows");
  const now = sentence(known, all);
  const said = useSaid(now, known.away !== undefined);
  // The sentence says that nothing is wrong; a list of nothing says no more.
  const isWell = all.length === 0 && now.tone === "ok" && members.problem === undefined;
  // That it can't be reached stands above the sentence.
  const others = known.away ? all.filter((it) => it.id !== "cluster") : all;
  const isTold = isWell || (known.away !== undefined && others.length === 0);
  return (
    <Page
      title="Overview"
      actions={
        <>
          <Explain id="overview" />
          <CopyCli command="weir cluster status" />
        </>
      }
    >
      <Health of={said} />
      <Hint id="overview">
        <p>
          <strong>What you see:</strong> Weir reads records from files, queues and databases, works
          on them, and writes them elsewhere. How that is done is drawn as a <em>workflow</em>: its{" "}
          <em>stages</em> read, change, sort out and write. Each file that is read is a{" "}
          <em>stream</em>: all that comes of it is written at once, or nothing. A record that fails
          is kept as a <em>dead letter</em>, with the reason, and can be sent again once that is
          mended.
        </p>
        <p>
          Below is what runs now. <em>See its stages</em> shows a workflow at work;{" "}
          <em>Try it on a sample</em> and the designer change nothing that runs until it is
          deployed. <kbd>Ctrl K</kbd> goes to anything by its name, <kbd>?</kbd> shows all keys.
        </p>
      </Hint>
      <SetUp />
      <Tiles known={known} deployments={deployments.value} />
      {!isTold && (
        <Panel
          title={others.every(isNote) ? "Worth a look" : "Problems, worst first"}
          side={<Link to="/alarms">Alarms</Link>}
          flush
        >
          <Shows<unknown> of={known.away ? { value: true } : members}>
            {() => <Problems all={others} />}
          </Shows>
        </Panel>
      )}
      <Panel title="What runs" side={<Link to="/workflows">All workflows</Link>} flush>
        <Shows of={running}>{({ items }) => <Running all={items} />}</Shows>
      </Panel>
      <div className={css.two}>
        <Panel title="Newest streams" side={<Link to="/streams">All</Link>} flush>
          <Newest />
        </Panel>
        <div className={css.side}>
          <Panel title="Throughput, last 5 minutes">
            <Throughput names={workflows?.items.map((it) => it.name) ?? []} />
          </Panel>
          <Panel title="Controllers">
            <Shows of={leases}>{(page) => <Controllers leases={page.items} />}</Shows>
          </Panel>
        </div>
      </div>
    </Page>
  );
}

/** The sentence; where nothing is heard, it is that of then, unless it is known why. */
function useSaid(of: Sentence, isAway: boolean): Sentence {
  const link = useLink();
  const now = useNow();
  const since = silentMs(link, now);
  if (since === undefined || isAway) return of;
  const when = link.contact === "paused" ? "The page is held" : `Not heard for ${duration(since)}`;
  return asThen(of, when);
}

function Health({ of }: { of: Sentence }) {
  return (
    <output className={css.health} data-tone={of.tone}>
      <span aria-hidden="true">{GLYPHS[of.tone]}</span> {of.text}
    </output>
  );
}

function Tiles({ known, deployments }: { known: Known; deployments?: Schemas["Deployments"] }) {
  const now = useNow();
  const { members, workflows, schedule } = known;
  // One that was lost and is not put away is still one that should be there.
  const gone = lost(members).filter((it) => !known.putAway?.has(it.uid)).length;
  const all = present(members);
  const up = all?.filter((it) => it.status === "up" && !it.unreachable).length;
  const counted = workflows?.items ?? [];
  const flows = counted.map((it) => rates(history.of(it.name), now));
  // A sum without one of them would be too small.
  const isSeen = workflows !== undefined && flows.every((it) => it !== undefined);
  const sum = (key: "recordsIn" | "bytesIn") =>
    flows.reduce((total, it) => total + (it?.[key] ?? 0), 0);
  const missing = schedule?.workflows.reduce((total, it) => total + it.missing, 0) ?? 0;
  const placed = schedule?.workflows.reduce((total, it) => total + it.placed, 0);
  const withLetters = counted.filter((it) => it.counts.deadLetters > 0);
  const bad = withLetters.reduce((total, it) => total + it.counts.deadLetters, 0);
  const rolledBack = counted.reduce((total, it) => total + it.rolledBack, 0);
  const [only] = withLetters.length === 1 ? withLetters : [];
  const deployed = deployments && inForce(deployments);
  return (
    <div className={css.tiles}>
      <Tile
        title="Nodes"
        value={up === undefined ? "–" : `${up}/${(all?.length ?? 0) + gone}`}
        to="/nodes"
        note={gone > 0 ? `up, ${gone} lost` : "up"}
        tone={up === all?.length ? (gone > 0 ? "warn" : undefined) : "err"}
      />
      <Tile
        title="Instances of workflows"
        value={placed === undefined ? "–" : `${placed}/${placed + missing}`}
        to="/scheduler"
        note={missing ? `${missing} without a place` : "placed"}
        tone={missing ? "warn" : undefined}
      />
      <Tile
        title="Records in now"
        value={!isSeen ? "–" : sum("recordsIn") > 0 ? rate(sum("recordsIn")) : "none"}
        to="/workflows"
        note={
          !isSeen ? "not seen yet" : sum("bytesIn") > 0 ? `${bytes(sum("bytesIn"))}/s` : "waiting"
        }
      />
      <Tile
        title="Dead letters"
        value={workflows ? short(bad) : "–"}
        to={only ? `/workflows/${encodeURIComponent(only.name)}` : "/workflows"}
        search={only && { tab: "letters" }}
        note="since workflows started"
        tone={bad ? "warn" : undefined}
      />
      <Tile
        title="Rolled back streams"
        value={workflows ? short(rolledBack) : "–"}
        to="/streams"
        search={rolledBack ? { state: "rolledBack" } : undefined}
        note="since workflows started"
        tone={rolledBack ? "warn" : undefined}
      />
      <Tile title="Deployed" to="/deployments" isText {...(deployed ?? { value: "–", note: "" })} />
    </div>
  );
}

function Tile(props: {
  title: string;
  value: string;
  note: string;
  to: string;
  search?: Record<string, string>;
  tone?: "warn" | "err";
  isText?: boolean;
}) {
  return (
    <Link to={props.to} search={props.search} className={css.tile}>
      <span className="muted small">{props.title}</span>
      <span className={css.value}>
        <strong
          data-tone={props.tone}
          data-text={props.isText || undefined}
          title={props.isText ? props.value : undefined}
        >
          {props.value}
        </strong>{" "}
        <span className="muted small">{props.note}</span>
      </span>
    </Link>
  );
}

function Throughput({ names }: { names: string[] }) {
  const read = () =>
    rateSeries(
      names.map((it) => history.of(it)),
      ["recordsIn", "recordsOut"],
      serverNow(),
      SPAN_MS,
    );
  useNow();
  const [, ...values] = read();
  const hasMoved = values.some((all) => all.some((it) => (it ?? 0) > 0));
  if (!hasMoved) return <Still />;
  const series = [
    { name: "in", color: "--accent" },
    { name: "out", color: "--info", dash: [5, 4] },
  ];
  return <Chart name="Records per second" series={series} read={read} format={rate} height={170} />;
}

/** A chart of nothing says less than when there was something. */
function Still() {
  const [last] = useLive("streams").value?.items ?? [];
  return (
    <p className={css.still}>
      Nothing passed while this page was open.{" "}
      {last && (
        <>
          Last came{" "}
          <Link to="/streams/$id" params={{ id: last.id }}>
            {last.item}
          </Link>
          , <Ago at={last.closedAt ?? last.openedAt} />, with{" "}
          {plural(last.counts.recordsIn, "record")}.{" "}
        </>
      )}
      <span className="muted">The rates are drawn as soon as records come.</span>
    </p>
  );
}

function Newest() {
  const streams = useLive("streams");
  return (
    <Shows of={streams}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty
            what="No streams yet"
            why="A stream is one file on its way through a workflow, or what a live source gave between two checkpoints."
            cli="weir stream list"
          />
        ) : (
          <ul className={css.newest}>
            {items.slice(0, 8).map((it) => (
              <li key={it.id}>
                <State name={it.state} />
                <Link to="/streams/$id" params={{ id: it.id }} className="grow cut">
                  {it.item}
                </Link>
                <span className="muted small cut">{it.workflow}</span>
                <span className="mono small">{plural(it.counts.recordsIn, "record")}</span>
                <span className="muted small">
                  <Ago at={it.closedAt ?? it.openedAt} />
                </span>
              </li>
            ))}
          </ul>
        )
      }
    </Shows>
  );
}
