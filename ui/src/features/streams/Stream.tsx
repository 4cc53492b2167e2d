import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Schemas } from "../../api/client";
import { useLive } from "../../live";
import { bytes, count, duration, plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { CopyCli } from "../../parts/Act";
import { FailedItems } from "../../parts/FailedItems";
import { Facts, Page, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Empty, Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { Moment } from "../../parts/When";
import { StreamOrders } from "./StreamOrders";
import css from "./streams.module.css";

type Detail = Schemas["StreamDetail"];
type Line = Schemas["LogLine"];
const route = getRouteApi("/frame/streams/$id");

export function Stream() {
  const { id } = route.useParams();
  const standing = useLive(`stream:${id}`);
  const { value } = standing;
  return (
    <Page
      title={value?.item ?? "Stream"}
      mark={value && <State name={value.state} />}
      actions={
        <>
          {value && !value.closedAt && (
            <Link
              to="/workflows/$name"
              params={{ name: value.workflow }}
              search={{ tab: "sample", stream: id }}
            >
              Sample data
            </Link>
          )}
          <CopyCli command={sh`weir stream show ${id} --log`} />
        </>
      }
    >
      <Shows of={standing}>
        {(detail) => (
          <>
            {!detail.closedAt && <StreamOrders chosen={[detail]} onDone={() => undefined} />}
            {detail.fault && <Fault fault={detail.fault} />}
            {detail.state === "rolledBack" && <FailedItems of={detail.workflow} />}
            <About detail={detail} />
            <Panel title="By stage" flush>
              <ByStage detail={detail} />
            </Panel>
            {detail.published.length > 0 && (
              <Panel title="Published">
                <ul className={css.published}>
                  {detail.published.map((it) => (
                    <li key={it} className="mono">
                      {it}
                    </li>
                  ))}
                </ul>
              </Panel>
            )}
            <Log id={id} isOpen={!detail.closedAt} />
          </>
        )}
      </Shows>
    </Page>
  );
}

function Fault({ fault }: { fault: Schemas["Fault"] }) {
  const problem = {
    type: "about:blank",
    title: "Why it is not committed",
    status: 0,
    code: fault.code,
    detail: fault.message,
    hint: fault.hint,
  };
  return <ProblemView problem={problem} />;
}

function About({ detail }: { detail: Detail }) {
  const took =
    detail.closedAt && duration(Date.parse(detail.closedAt) - Date.parse(detail.openedAt));
  return (
    <Panel title="What it is">
      <Facts
        of={[
          [
            "Workflow",
            <Link key="w" to="/workflows/$name" params={{ name: detail.workflow }}>
              {detail.workflow}
            </Link>,
          ],
          [
            "Node",
            <Link key="n" to="/nodes/$name" params={{ name: detail.node }}>
              {detail.node}
            </Link>,
          ],
          ["Instance", `#${detail.instance}`],
          ["Opened", <Moment key="o" at={detail.openedAt} />],
          ["Closed", detail.closedAt && <Moment key="c" at={detail.closedAt} />],
          ["Took", took],
          ["Attempts", detail.attempts],
          ["Records in", count(detail.counts.recordsIn)],
          ["Records out", count(detail.counts.recordsOut)],
          ["Dead letters", count(detail.counts.deadLetters)],
          ["Left out by rules", count(detail.counts.dropped)],
          ["Read", bytes(detail.counts.bytesIn)],
          ["Written", bytes(detail.counts.bytesOut)],
          [
            "Id",
            <span key="i" className="mono">
              {detail.id}
            </span>,
          ],
        ]}
      />
    </Panel>
  );
}

type Row = readonly [stage: string, counts: Schemas["Counts"]];

const number = (id: keyof Schemas["Counts"], title: string): Column<Row> => ({
  id,
  title,
  isNumber: true,
  value: (it) => it[1][id],
  cell: (it) => (it[1][id] === 0 ? <span className="muted">0</span> : count(it[1][id])),
});

const STAGES: Column<Row>[] = [
  { id: "stage", title: "Stage", value: (it) => it[0], cell: (it) => it[0] },
  number("recordsIn", "Records in"),
  number("recordsOut", "Records out"),
  number("deadLetters", "Dead letters"),
  number("ignored", "Ignored"),
  number("dropped", "Left out"),
  number("bytesIn", "Bytes in"),
  number("bytesOut", "Bytes out"),
];

function ByStage({ detail }: { detail: Detail }) {
  const rows = Object.entries(detail.stages);
  return (
    <Table
      name="Counts by stage"
      columns={STAGES}
      rows={rows}
      keyOf={(it) => it[0]}
      empty={<Empty what="Nothing is counted yet" why="Stages are counted when the stream ends." />}
    />
  );
}

const graveness = ({ severity }: Line) =>
  severity === "error" ? "logError" : severity ? "logWarning" : "logInfo";

const LOG: Column<Line & { n: number }>[] = [
  { id: "at", title: "Time", cell: (it) => <Moment at={it.at} />, width: "150px" },
  {
    id: "severity",
    title: "How grave",
    cell: (it) => <State name={graveness(it)} />,
    width: "95px",
  },
  { id: "code", title: "Code", cell: (it) => <code>{it.code}</code>, width: "110px" },
  { id: "text", title: "What", cell: (it) => <span title={it.text}>{it.text}</span> },
];

/** Followed, since a live run stays open for long and logs all the while. */
function Log({ id, isOpen }: { id: string; isOpen: boolean }) {
  const log = useLive(`log:${id}`);
  const lines = useMemo(
    () => (log.value?.lines ?? []).map((line, n) => ({ ...line, n })),
    [log.value],
  );
  return (
    <Panel
      title="Log"
      side={<span className="muted small">{log.value && plural(lines.length, "line")}</span>}
      flush
    >
      <Shows of={log}>
        {() => (
          <Table
            name="Log"
            columns={LOG}
            rows={lines}
            keyOf={(it) => String(it.n)}
            empty={
              <Empty
                what="Nothing was logged"
                why={isOpen ? "Lines come as it goes on." : "It went through without a word."}
              />
            }
          />
        )}
      </Shows>
    </Panel>
  );
}
