import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { useLive } from "../../live";
import { sh } from "../../logic/shell";
import { Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { Ago } from "../../parts/When";

type Instance = Schemas["ScheduledInstance"];

const COLUMNS: Column<Instance>[] = [
  {
    id: "number",
    title: "#",
    isNumber: true,
    value: (it) => it.number,
    cell: (it) => it.number,
    width: "56px",
  },
  {
    id: "node",
    title: "Node",
    value: (it) => it.node,
    cell: (it) => (
      <Link to="/nodes/$name" params={{ name: it.node }}>
        {it.node}
      </Link>
    ),
  },
  {
    id: "state",
    title: "State",
    value: (it) => it.state ?? "",
    cell: (it) => (it.state ? <State name={it.state} detail={it.fault?.message} /> : "–"),
  },
  {
    id: "since",
    title: "Since",
    value: (it) => it.since ?? undefined,
    cell: (it) => <Ago at={it.since} />,
  },
  {
    id: "restarts",
    title: "Restarts",
    isNumber: true,
    value: (it) => it.restarts,
    cell: (it) => it.restarts,
  },
  { id: "why", title: "Why there", cell: (it) => <span title={it.why}>{it.why}</span> },
  { id: "fault", title: "What is wrong", cell: (it) => it.fault?.message ?? "" },
];

/** All instances in the cluster, with the reason why each is where it is. */
export function Instances({ workflow }: { workflow: string }) {
  const standing = useLive(`scheduled:${workflow}`);
  return (
    <Panel title="Instances in the cluster" flush>
      <Shows of={standing}>
        {(it) => (
          <Table
            name="Instances"
            columns={COLUMNS}
            rows={it.instances}
            keyOf={(row) => String(row.number)}
            empty={
              <Empty
                what="No instance is placed"
                why={it.warnings.join(" ") || "The target is 0."}
                cli={sh`weir scheduler show ${workflow}`}
              />
            }
          />
        )}
      </Shows>
    </Panel>
  );
}
