import { getRouteApi } from "@tanstack/react-router";
import { sh } from "../../logic/shell";
import { Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { Ago } from "../../parts/When";
import { type Operation, useOperations } from "../operations/operations";
import type { Deployed } from "./deploy";

const route = getRouteApi("/frame/projects/$project");

const COLUMNS: Column<Operation>[] = [
  { id: "state", title: "State", cell: (it) => <State name={it.state} />, value: (it) => it.state },
  { id: "what", title: "What", cell: what },
  { id: "by", title: "By", cell: (it) => it.by, value: (it) => it.by },
  {
    id: "begun",
    title: "Begun",
    cell: (it) => <Ago at={it.begunAt} />,
    value: (it) => it.number,
  },
];

function what(it: Operation) {
  const deployed = it.result as Deployed | undefined;
  if (deployed) return `${deployed.dryRun ? "plan of" : "deploy of"} ${deployed.tag}`;
  const at = it.steps.find((step) => ["running", "failed"].includes(step.state));
  return <span className="muted">{at ? `at ${at.name}` : "deploy"}</span>;
}

/** Plans and deploys of the project, the newest first. */
export function Recent({ project }: { project: string }) {
  const navigate = route.useNavigate();
  return (
    <Panel title="Latest plans and deploys" flush>
      <Shows of={useOperations(project, "deploy")}>
        {({ items }) => (
          <Table
            name="Latest plans and deploys"
            columns={COLUMNS}
            rows={items}
            keyOf={(it) => it.id}
            onOpen={(it) =>
              void navigate({ search: (search) => ({ ...search, operation: it.id }) })
            }
            empty={
              <Empty
                what="It was not deployed from here yet"
                why="A plan changes nothing: it builds the package and says what would start and stop."
                cli={sh`weir deploy ${project} --plan`}
              />
            }
          />
        )}
      </Shows>
    </Panel>
  );
}
