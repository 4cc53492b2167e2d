import { Link } from "@tanstack/react-router";
import { answered, api, type Schemas } from "../../api/client";
import { useLive } from "../../live";
import { bytes, count } from "../../logic/format";
import { standings } from "../../logic/nodes";
import { CopyCli } from "../../parts/Act";
import { Facts, Page, Panel } from "../../parts/Page";
import { Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { useAsked } from "../../parts/useAsked";
import { Ago, Ends } from "../../parts/When";

type Member = Schemas["Member"];
type Lease = Schemas["Lease"];

const toNode = (name: string) => (
  <Link to="/nodes/$name" params={{ name }}>
    {name}
  </Link>
);
const stateOf = (it: Member) => (it.unreachable ? "unreachable" : it.status);

/** Who is a member and who was, what there is one of and where it lives, and who hears whom. */
export function Cluster() {
  const members = useLive("members");
  return (
    <Page title="Cluster" actions={<CopyCli command="weir cluster status" />}>
      <Panel title="As it is seen">
        <Shows of={members}>
          {(it) => (
            <Facts
              of={[
                ["Cluster", it.cluster],
                ["Seen by", toNode(it.node.name)],
                ["Leader", it.leader && toNode(it.leader)],
                ["Members", it.members.filter((row) => row.status !== "removed").length],
                ["Version of the list", count(it.version)],
                ["Database", it.storeTrouble ?? "answers"],
              ]}
            />
          )}
        </Shows>
      </Panel>
      <Members />
      <Leases />
      {(members.value || members.problem) && <Links />}
    </Page>
  );
}

const MEMBERS: Column<Member>[] = [
  { id: "name", title: "Node", value: (it) => it.name, cell: (it) => toNode(it.name) },
  {
    id: "uid",
    title: "Incarnation",
    cell: (it) => (
      <span className="mono" title={it.uid}>
        {it.uid.slice(-8)}
      </span>
    ),
  },
  {
    id: "state",
    title: "State",
    value: stateOf,
    cell: (it) => <State name={stateOf(it)} detail={it.reason} />,
  },
  {
    id: "number",
    title: "Age rank",
    isNumber: true,
    value: (it) => it.upNumber,
    cell: (it) => it.upNumber,
  },
  {
    id: "address",
    title: "Address",
    cell: (it) => <span className="mono">{it.address}</span>,
  },
  { id: "version", title: "Version", value: (it) => it.version, cell: (it) => it.version },
  {
    id: "joined",
    title: "Joined",
    value: (it) => it.joinedAt,
    cell: (it) => <Ago at={it.joinedAt} />,
  },
  {
    id: "changed",
    title: "Changed",
    value: (it) => it.changedAt,
    cell: (it) => <Ago at={it.changedAt} />,
  },
  { id: "why", title: "Why so", cell: (it) => <span title={it.reason}>{it.reason}</span> },
  {
    id: "from",
    title: "Not reached from",
    cell: (it) => it.unreachableFrom?.join(", ") ?? "",
  },
];

function Members() {
  const standing = useLive("members");
  return (
    <Panel title="Members, and those that left" flush>
      <Shows of={standing}>
        {({ members }) => (
          <Table name="Members" columns={MEMBERS} rows={members} keyOf={(it) => it.uid} />
        )}
      </Shows>
    </Panel>
  );
}

const LEASES: Column<Lease>[] = [
  {
    id: "name",
    title: "Controller",
    value: (it) => it.name,
    cell: (it) => <strong>{it.name}</strong>,
  },
  {
    id: "state",
    title: "State",
    value: (it) => it.state,
    cell: (it) => <State name={it.state} detail={it.trouble ?? undefined} />,
  },
  {
    id: "owner",
    title: "Lives on",
    value: (it) => it.owner?.name ?? "",
    cell: (it) => (it.owner ? toNode(it.owner.name) : "–"),
  },
  {
    id: "epoch",
    title: "Epoch",
    isNumber: true,
    value: (it) => it.epoch,
    cell: (it) => count(it.epoch),
  },
  { id: "pinned", title: "Pinned to", cell: (it) => it.pinned ?? "" },
  { id: "here", title: "On the asked node", cell: (it) => it.here },
  { id: "trouble", title: "What is wrong", cell: (it) => it.trouble ?? "" },
];

function Leases() {
  const standing = useLive("leases");
  return (
    <Panel title="Controllers" side={<CopyCli command="weir cluster leases" />} flush>
      <Shows of={standing}>
        {({ items }) => (
          <Table name="Controllers" columns={LEASES} rows={items} keyOf={(it) => it.name} />
        )}
      </Shows>
    </Panel>
  );
}

const LINKS: Column<Schemas["Link"]>[] = [
  {
    id: "peer",
    title: "To",
    value: (it) => it.peer?.name ?? it.address,
    cell: (it) => (it.peer ? toNode(it.peer.name) : <span className="mono">{it.address}</span>),
  },
  {
    id: "state",
    title: "State",
    value: (it) => it.state,
    cell: (it) => <State name={it.state} detail={it.trouble ?? undefined} />,
  },
  { id: "since", title: "Since", value: (it) => it.since, cell: (it) => <Ago at={it.since} /> },
  {
    id: "trip",
    title: "Round trip",
    isNumber: true,
    value: (it) => it.roundTripUs ?? undefined,
    cell: (it) =>
      it.roundTripUs === null || it.roundTripUs === undefined
        ? "–"
        : `${(it.roundTripUs / 1_000).toFixed(2)} ms`,
  },
  {
    id: "queued",
    title: "Waits to be sent",
    isNumber: true,
    value: (it) => it.queuedBytes,
    cell: (it) => bytes(it.queuedBytes),
  },
  {
    id: "certificate",
    title: "Its certificate ends",
    value: (it) => it.certificate?.expiresAt,
    cell: (it) => (it.certificate ? <Ends at={it.certificate.expiresAt} /> : "–"),
  },
  { id: "trouble", title: "What is wrong", cell: (it) => it.trouble ?? "" },
];

/** Asked again when a member changes: that is when links come and go. The version of the list is another one on each node. */
function Links() {
  const { value } = useLive("members");
  const standing = useAsked(["links", standings(value)], () =>
    answered(api.GET("/api/v1/cluster/links")),
  );
  return (
    <Panel
      title={`Links of ${value?.node.name ?? "the asked node"}`}
      side={<CopyCli command="weir cluster links" />}
      flush
    >
      <Shows of={standing}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="muted" style={{ padding: "4px 12px 12px" }}>
              It has none: it is the only member.
            </p>
          ) : (
            <Table name="Links" columns={LINKS} rows={items} keyOf={(it) => it.address} />
          )
        }
      </Shows>
    </Panel>
  );
}
