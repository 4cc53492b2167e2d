import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { history, useLive } from "../../live";
import { rates } from "../../live/history";
import { rate, short } from "../../logic/format";
import { useNow } from "../../logic/now";
import { CopyCli } from "../../parts/Act";
import { Filter } from "../../parts/Filter";
import { Page, Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { matches } from "../../parts/table";
import { Ago } from "../../parts/When";

type Workflow = Schemas["WorkflowSummary"];
const route = getRouteApi("/frame/workflows");

const flow = (it: Workflow, now: number) => rates(history.of(it.name), now);

export function Workflows() {
  const workflows = useLive("workflows");
  const navigate = useNavigate();
  const { filter = "" } = route.useSearch();
  const now = useNow();
  const columns: Column<Workflow>[] = [
    {
      id: "name",
      title: "Workflow",
      value: (it) => it.name,
      cell: (it) => (
        <Link to="/workflows/$name" params={{ name: it.name }}>
          {it.name}
        </Link>
      ),
    },
    { id: "project", title: "Project", value: (it) => it.project, cell: (it) => it.project },
    {
      id: "state",
      title: "State",
      value: (it) => it.state,
      cell: (it) => <State name={it.state} detail={it.fault?.message} />,
    },
    {
      id: "instances",
      title: "Instances",
      isNumber: true,
      value: (it) => it.schedule?.placed ?? it.instances,
      cell: (it) => <Placed of={it} />,
    },
    {
      id: "open",
      title: "Open",
      isNumber: true,
      value: (it) => it.openStreams,
      cell: (it) => it.openStreams,
    },
    {
      id: "in",
      title: "In",
      isNumber: true,
      value: (it) => flow(it, now)?.recordsIn,
      cell: (it) => rate(flow(it, now)?.recordsIn),
    },
    {
      id: "out",
      title: "Out",
      isNumber: true,
      value: (it) => flow(it, now)?.recordsOut,
      cell: (it) => rate(flow(it, now)?.recordsOut),
    },
    {
      id: "committed",
      title: "Committed",
      isNumber: true,
      value: (it) => it.committed + it.committedWithWarnings,
      cell: (it) => short(it.committed + it.committedWithWarnings),
    },
    {
      id: "back",
      title: "Rolled back",
      isNumber: true,
      value: (it) => it.rolledBack,
      cell: (it) => short(it.rolledBack),
    },
    {
      id: "records",
      title: "Records",
      isNumber: true,
      value: (it) => it.counts.recordsIn,
      cell: (it) => short(it.counts.recordsIn),
    },
    {
      id: "dead",
      title: "Dead letters",
      isNumber: true,
      value: (it) => it.counts.deadLetters,
      cell: (it) => short(it.counts.deadLetters),
    },
    {
      id: "last",
      title: "Last stream",
      value: (it) => it.lastStreamAt ?? undefined,
      cell: (it) => <Ago at={it.lastStreamAt} />,
    },
  ];
  const setFilter = (typed: string) =>
    void navigate({
      to: "/workflows",
      search: (it) => ({ ...it, filter: typed || undefined }),
      replace: true,
    });
  return (
    <Page
      title="Workflows"
      actions={
        <>
          <Filter value={filter} onChange={setFilter} />
          <CopyCli command="weir workflow list" />
        </>
      }
    >
      <Panel title="What runs" flush>
        <Shows of={workflows}>
          {({ items }) => (
            <Table
              name="Workflows"
              columns={columns}
              rows={items.filter((it) => matches(`${it.name} ${it.project} ${it.state}`, filter))}
              keyOf={(it) => it.name}
              onOpen={(it) => void navigate({ to: "/workflows/$name", params: { name: it.name } })}
              empty={<Nothing isFiltered={items.length > 0} />}
            />
          )}
        </Shows>
      </Panel>
    </Page>
  );
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered)
    return <Empty what="No workflow has that" why="Others are left out by the filter." />;
  return (
    <Empty
      what="No workflow runs yet"
      why={
        <>
          A deployment brings workflows. Upload a package under{" "}
          <Link to="/deployments">Deployments</Link>, or apply a project's directory.
        </>
      }
      cli="weir deployment apply DIR"
    />
  );
}

/** Of those that are wanted; where the scheduler can't say, those of the engine that answered. */
function Placed({ of: { schedule, instances } }: { of: Workflow }) {
  if (!schedule) return instances;
  const text = `${schedule.placed}/${schedule.target}`;
  return schedule.missing > 0 ? (
    <span data-tone="warn" style={{ color: "var(--tone)" }}>
      {text}
    </span>
  ) : (
    text
  );
}
