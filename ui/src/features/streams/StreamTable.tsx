import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import { bytes, count, duration, short } from "../../logic/format";
import { Name } from "../../parts/Name";
import { Empty } from "../../parts/Shows";
import { State } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { Ago } from "../../parts/When";
import type { Stream } from "./streams";

const took = (it: Stream) =>
  it.closedAt ? Date.parse(it.closedAt) - Date.parse(it.openedAt) : undefined;

const STATE: Column<Stream> = {
  id: "state",
  title: "State",
  value: (it) => it.state,
  cell: (it) => <State name={it.state} detail={it.fault?.message} />,
  width: "130px",
};

const COLUMNS: Column<Stream>[] = [
  {
    id: "item",
    title: "Item",
    value: (it) => it.item,
    cell: (it) => (
      <Link to="/streams/$id" params={{ id: it.id }}>
        <Name of={it.item} />
      </Link>
    ),
  },
  { id: "workflow", title: "Workflow", value: (it) => it.workflow, cell: (it) => it.workflow },
  { id: "node", title: "Node", value: (it) => it.node, cell: (it) => `${it.node} #${it.instance}` },
  {
    id: "in",
    title: "Records",
    isNumber: true,
    value: (it) => it.counts.recordsIn,
    cell: (it) => <span title={count(it.counts.recordsIn)}>{short(it.counts.recordsIn)}</span>,
  },
  {
    id: "dead",
    title: "Dead letters",
    isNumber: true,
    value: (it) => it.counts.deadLetters,
    cell: (it) => it.counts.deadLetters || <span className="muted">0</span>,
  },
  {
    id: "bytes",
    title: "Read",
    isNumber: true,
    value: (it) => it.counts.bytesIn,
    cell: (it) => bytes(it.counts.bytesIn),
  },
  {
    id: "attempts",
    title: "Attempts",
    isNumber: true,
    value: (it) => it.attempts,
    cell: (it) => it.attempts,
  },
  {
    id: "took",
    title: "Took",
    isNumber: true,
    value: took,
    cell: (it) => {
      const ms = took(it);
      return ms === undefined ? "–" : duration(ms);
    },
  },
  {
    id: "opened",
    title: "Opened",
    value: (it) => it.openedAt,
    cell: (it) => <Ago at={it.openedAt} />,
  },
];

export function StreamTable(props: {
  rows: readonly Stream[];
  empty?: ReactNode;
  /** Those of which it is known only how they were when they were read. */
  old?: ReadonlySet<string>;
  chosen?: ReadonlySet<string>;
  onChoose?: (it: Set<string>) => void;
  onEnd?: () => void;
}) {
  const { old } = props;
  const columns = useMemo<Column<Stream>[]>(
    () => [
      {
        ...STATE,
        cell: (it) => (
          <>
            <State name={it.state} detail={it.fault?.message} />
            {old?.has(it.id) && <span className="muted small"> when read</span>}
          </>
        ),
      },
      ...COLUMNS,
    ],
    [old],
  );
  const navigate = useNavigate();
  return (
    <Table
      name="Streams"
      columns={columns}
      rows={props.rows}
      keyOf={(it) => it.id}
      nameOf={(it) => `${it.item} of ${it.workflow}`}
      onOpen={(it) => void navigate({ to: "/streams/$id", params: { id: it.id } })}
      chosen={props.chosen}
      onChoose={props.onChoose}
      onEnd={props.onEnd}
      empty={
        props.empty ?? (
          <Empty
            what="No streams"
            why="A stream opens when a workflow takes an item: a file, or a run of a lane."
            cli="weir stream list"
          />
        )
      }
    />
  );
}
