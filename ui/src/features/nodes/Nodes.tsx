import { getRouteApi, Link } from "@tanstack/react-router";
import { useLive } from "../../live";
import { bytes, duration } from "../../logic/format";
import type { Node } from "../../logic/nodes";
import { useNow } from "../../logic/now";
import { CopyCli } from "../../parts/Act";
import { Filter } from "../../parts/Filter";
import { Page, Panel } from "../../parts/Page";
import { Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { matches } from "../../parts/table";
import { ROOT } from "../deployments/tree";
import { inForce } from "../overview/inForce";
import { PutAway } from "../overview/Problems";
import { useNodes } from "./useNodes";

const route = getRouteApi("/frame/nodes");
const uptime = (it: Node, now: number) =>
  it.said ? now - Date.parse(it.said.startedAt) : undefined;

export function Nodes() {
  const nodes = useNodes();
  const navigate = route.useNavigate();
  const { filter = "" } = route.useSearch();
  const now = useNow();
  const columns: Column<Node>[] = [
    {
      id: "name",
      title: "Node",
      value: (it) => it.name,
      cell: (it) => (
        <Link to="/nodes/$name" params={{ name: it.name }}>
          {it.name}
        </Link>
      ),
    },
    {
      id: "state",
      title: "State",
      value: (it) => it.state,
      cell: (it) => (
        <span className="row">
          <State name={it.state} detail={it.member.reason} />
          {it.isLost && <PutAway what={it.name} uid={it.member.uid} />}
        </span>
      ),
    },
    {
      id: "deployment",
      title: "Deployment",
      value: (it) => it.activation?.current ?? "",
      cell: (it) => <Running of={it} />,
    },
    {
      id: "instances",
      title: "Instances",
      isNumber: true,
      value: (it) => it.said?.workflowInstances,
      cell: (it) => it.said?.workflowInstances ?? "–",
    },
    {
      id: "streams",
      title: "Open streams",
      isNumber: true,
      value: (it) => it.said?.openStreams,
      cell: (it) => it.said?.openStreams ?? "–",
    },
    {
      id: "load",
      title: "Weight",
      isNumber: true,
      value: (it) => it.scheduled?.load,
      cell: (it) => it.scheduled?.load ?? "–",
    },
    {
      id: "memory",
      title: "Memory",
      isNumber: true,
      value: (it) => it.said?.memoryBytes,
      cell: (it) => (it.said ? bytes(it.said.memoryBytes) : "–"),
    },
    {
      id: "leases",
      title: "Controllers",
      isNumber: true,
      value: (it) => it.said?.leases.length,
      cell: (it) => it.said?.leases.length ?? "–",
    },
    {
      id: "roles",
      title: "Roles",
      cell: (it) => it.member.roles.join(", ") || <span className="muted">none</span>,
    },
    {
      id: "version",
      title: "Version",
      value: (it) => it.member.version,
      cell: (it) => <span className="mono">{it.member.version}</span>,
    },
    {
      id: "uptime",
      title: "Up for",
      isNumber: true,
      value: (it) => uptime(it, now),
      cell: (it) => {
        const ms = it.isLost ? undefined : uptime(it, now);
        return ms === undefined ? "–" : duration(ms);
      },
    },
  ];
  return (
    <Page
      title="Nodes"
      actions={
        <>
          <Filter
            value={filter}
            onChange={(typed) =>
              void navigate({
                search: (it) => ({ ...it, filter: typed || undefined }),
                replace: true,
              })
            }
          />
          <CopyCli command="weir node list" />
        </>
      }
    >
      <Panel title="Engines of the cluster" flush>
        <Shows of={nodes}>
          {(all) => (
            <Table
              name="Nodes"
              columns={columns}
              rows={all.filter((it) =>
                matches(`${it.name} ${it.state} ${it.member.roles.join(" ")}`, filter),
              )}
              keyOf={(it) => it.member.uid}
              onOpen={(it) => void navigate({ to: "/nodes/$name", params: { name: it.name } })}
            />
          )}
        </Shows>
      </Panel>
    </Page>
  );
}

export function Running({ of: { activation } }: { of: Node }) {
  const applied = useLive("deployments").value?.applied ?? [];
  if (!activation) return <span className="muted">–</span>;
  const { current, target, failure } = activation;
  if (failure) return <State name="failed" detail={failure.cause.message} />;
  // What was applied from directories runs everywhere, whatever package does.
  const named = (tag = ROOT) => {
    if (tag !== ROOT) return <span className="mono">{tag}</span>;
    const { value, note } = inForce({ default: tag, applied });
    return `${value} ${note}`.trim();
  };
  if (current === target) return <span>{named(current)}</span>;
  return (
    <span>
      {named(current ?? undefined)} → {named(target)}
    </span>
  );
}
