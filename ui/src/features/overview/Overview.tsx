import { Link } from "@tanstack/react-router";
import { history, useLink, useLive } from "../../live";
import { rates } from "../../live/history";
import { silentMs } from "../../live/link";
import { rateSeries } from "../../live/series";
import { bytes, duration, plural, rate, short } from "../../logic/format";
import { asThen, type Known, type Sentence, sentence, troubles } from "../../logic/health";
import { lost, present } from "../../logic/nodes";
import { serverNow, useNow } from "../../logic/now";
import { CopyCli } from "../../parts/Act";
import { Chart } from "../../parts/Chart";
import { Hint } from "../../parts/Hint";
import { Page, Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { useKnown } from "../../parts/useKnown";
import { Ago } from "../../parts/When";
import { Controllers } from "./Controllers";
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
  return (
    <Page title="Overview" actions={<CopyCli command="weir cluster status" />}>
      <Health of={said} />
      <SetUp />
      <Hint id="overview">
        <p>
          <strong>What you see:</strong> a <em>workflow</em> reads records from sources, works on
          them stage by stage, and writes them to sinks. Each file that it reads, or each run of a
          lane, is a <em>stream</em>: all of it takes effect, or nothing. Records that fail are kept
          as <em>dead letters</em>.
        </p>
        <ul>
          <li>Choose a workflow below to see its stages, with what passes between them.</li>
          <li>
            <em>Design</em> leads to where it is drawn and tried on a sample; nothing that runs
            changes until it is deployed.
          </li>
          <li>
            <kbd>Ctrl K</kbd> goes to anything by its name, <kbd>?</kbd> shows all keys.
          </li>
        </ul>
      </Hint>
      <Tiles known={known} deployment={deployments.value?.default} />
      {!isWell && (
        <Panel
          title={all.every((it) => it.tone === "info") ? "Worth a look" : "Problems, worst first"}
          side={<Link to="/alarms">Alarms</Link>}
          flush
        >
          <Shows<unknown> of={known.away ? { value: true } : members}>
            {() => <Problems all={all} />}
          </Shows>
        </Panel>
      )}
      <div className={css.two}>
        <Panel title="What runs" side={<Link to="/workflows">All</Link>} flush>
          <Shows of={running}>{({ items }) => <Running all={items} />}</Shows>
        </Panel>
        <Panel title="Throughput, last 5 minutes">
          <Throughput names={workflows?.items.map((it) => it.name) ?? []} />
        </Panel>
      </div>
      <div className={css.two}>
        <Panel title="Newest streams" side={<Link to="/streams">All</Link>} flush>
          <Newest />
        </Panel>
        <Panel title="Controllers">
          <Shows of={leases}>{(page) => <Controllers leases={page.items} />}</Shows>
        </Panel>
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

function Tiles({ known, deployment }: { known: Known; deployment: string | undefined }) {
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
  const bad = counted.reduce((total, it) => total + it.counts.deadLetters, 0);
  const rolledBack = counted.reduce((total, it) => total + it.rolledBack, 0);
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
        title="Instances"
        value={placed === undefined ? "–" : `${placed}/${placed + missing}`}
        to="/scheduler"
        note={missing ? `${missing} missing` : "placed"}
        tone={missing ? "warn" : undefined}
      />
      <Tile
        title="Records in"
        value={isSeen ? rate(sum("recordsIn")) : "–"}
        to="/workflows"
        note={isSeen ? `${bytes(sum("bytesIn"))}/s` : "not seen yet"}
      />
      <Tile
        title="Dead letters"
        value={short(bad)}
        to="/workflows"
        note="since the engine began"
        tone={bad ? "warn" : undefined}
      />
      <Tile
        title="Rolled back"
        value={short(rolledBack)}
        to="/streams"
        note="streams"
        tone={rolledBack ? "warn" : undefined}
      />
      <Tile
        title="Deployment"
        value={deployment ?? "–"}
        to="/deployments"
        note="the default"
        isText
      />
    </div>
  );
}

function Tile(props: {
  title: string;
  value: string;
  note: string;
  to: string;
  tone?: "warn" | "err";
  isText?: boolean;
}) {
  return (
    <Link to={props.to} className={css.tile}>
      <span className="muted small">{props.title}</span>
      <strong data-tone={props.tone} data-text={props.isText || undefined}>
        {props.value}
      </strong>
      <span className="muted small">{props.note}</span>
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
  const series = [
    { name: "in", color: "--accent" },
    { name: "out", color: "--info", dash: [5, 4] },
  ];
  return <Chart name="Records per second" series={series} read={read} format={rate} height={170} />;
}

function Newest() {
  const streams = useLive("streams");
  return (
    <Shows of={streams}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty
            what="No streams yet"
            why="A stream is one file, or one run of a lane, on its way through a workflow."
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
