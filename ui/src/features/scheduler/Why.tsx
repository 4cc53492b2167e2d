import type { Schemas } from "../../api/client";
import { useLive } from "../../live";
import { Panel } from "../../parts/Page";
import { Shows } from "../../parts/Shows";
import { type Column, Table } from "../../parts/Table";

type Candidate = Schemas["ScheduleCandidate"];

const COLUMNS: Column<Candidate>[] = [
  {
    id: "rank",
    title: "Rank",
    isNumber: true,
    value: (it) => it.rank ?? undefined,
    cell: (it) => it.rank ?? "–",
    width: "64px",
  },
  { id: "node", title: "Node", value: (it) => it.node, cell: (it) => it.node },
  { id: "count", title: "Has", isNumber: true, value: (it) => it.count, cell: (it) => it.count },
  { id: "load", title: "Weight", isNumber: true, value: (it) => it.load, cell: (it) => it.load },
  { id: "why", title: "What it is to the next instance", cell: (it) => it.why },
];

/** Why each instance is where it is, and where the next one would go. */
export function Why({ workflow }: { workflow: string }) {
  const standing = useLive(`scheduled:${workflow}`);
  return (
    <Panel title={`Why ${workflow} stands where it does`}>
      <Shows of={standing}>
        {(it) => (
          <>
            <ul>
              {it.instances.map((row) => (
                <li key={row.number}>
                  #{row.number} on <strong>{row.node}</strong>: {row.why}
                </li>
              ))}
            </ul>
            <Table
              name="Nodes, as the next instance sees them"
              columns={COLUMNS}
              rows={it.candidates}
              keyOf={(row) => row.node}
            />
          </>
        )}
      </Shows>
    </Panel>
  );
}
