import { getRouteApi, Link } from "@tanstack/react-router";
import { Suspense, useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { useLive } from "../../live";
import { bytes, duration, plural } from "../../logic/format";
import { lost, type Node as Shown } from "../../logic/nodes";
import { useNow } from "../../logic/now";
import { sh } from "../../logic/shell";
import { Act, CopyCli } from "../../parts/Act";
import { lazy } from "../../parts/lazy";
import { Facts, Page, Panel } from "../../parts/Page";
import { Empty, Loading, Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { Tabs } from "../../parts/Tabs";
import { useAsked } from "../../parts/useAsked";
import { Ago, Moment } from "../../parts/When";
import { Drain } from "./Drain";
import { Running } from "./Nodes";
import { useNodes } from "./useNodes";

type Member = Schemas["Member"];
const route = getRouteApi("/frame/nodes/$name");
const LogsOf = lazy(() => import("../logs/OfOne").then((it) => ({ default: it.LogsOf })));
const TABS = [
  ["node", "Node"],
  ["logs", "Logs"],
] as const;

export function Node() {
  const { name } = route.useParams();
  const { tab = "node" } = route.useSearch();
  const nodes = useNodes();
  const found = nodes.value?.filter((it) => it.name === name && !it.isLost);
  const [node] = found ?? [];
  const lives = useLive("members").value?.members.filter((it) => it.name === name) ?? [];
  const [last] = [...lives].sort((a, b) => b.changedAt.localeCompare(a.changedAt));
  return (
    <Page
      title={name}
      mark={node && <State name={node.state} />}
      actions={
        node ? (
          <Actions node={node} />
        ) : (
          last && <CopyCli command={sh`weir cluster explain ${name}`} />
        )
      }
    >
      <Shows of={{ ...nodes, value: found }}>
        {() => (
          <>
            {!node && <Gone name={name} of={last} />}
            {(node || last) && <Tabs all={TABS} at={tab} />}
            {/* One and the same before and after the node is lost: what came last is what is needed then. */}
            {tab === "logs" && (node || last) ? (
              <Suspense fallback={<Loading />}>
                <LogsOf node={name} isGone={!node} />
              </Suspense>
            ) : node ? (
              <Detail node={node} />
            ) : (
              last && <Was of={last} />
            )}
          </>
        )}
      </Shows>
    </Page>
  );
}

/** Of one that is no member: when and why it went. */
function Gone({ name, of: last }: { name: string; of: Member | undefined }) {
  const members = useLive("members").value;
  if (!last)
    return (
      <Empty
        what={`${name} is no member of the cluster`}
        why="It may have left more than a day ago, or never have been there."
        action={<Link to="/nodes">All nodes</Link>}
        cli={sh`weir cluster explain ${name}`}
      />
    );
  const wasLost = lost(members).some((it) => it.uid === last.uid);
  return (
    <>
      <p>
        <strong>{wasLost ? "It was lost" : "It left"}</strong> <Ago at={last.changedAt} />:{" "}
        {last.reason}.
      </p>
      <Since />
    </>
  );
}

/** What became of what it ran: as the scheduler has it by now. */
function Since() {
  const { value } = useLive("schedule");
  if (!value) return null;
  const missing = value.workflows.reduce((sum, it) => sum + it.missing, 0);
  return (
    <p>
      {missing === 0
        ? "All that is wanted has a place on other nodes now. "
        : `Of what is wanted, ${plural(missing, "instance")} can’t be placed now. `}
      The <Link to="/scheduler">scheduler</Link> says where all of it runs.
    </p>
  );
}

function Was({ of: last }: { of: Member }) {
  return (
    <Panel title="What it was">
      <Facts
        of={[
          [
            "Address",
            <span key="a" className="mono">
              {last.address}
            </span>,
          ],
          ["Roles", last.roles.join(", ")],
          ["Version", last.version],
          ["Joined", <Moment key="j" at={last.joinedAt} />],
          ["Gone", <Moment key="g" at={last.changedAt} />],
          ["Why", last.reason],
        ]}
      />
      <p>
        <Link to="/nodes">All nodes</Link>
      </p>
    </Panel>
  );
}

function Actions({ node }: { node: Shown }) {
  const [asked, setAsked] = useState<"drain" | "undrain">();
  const isDrained = node.state === "draining" || node.said?.drained === true;
  const verb = isDrained ? "undrain" : "drain";
  return (
    <>
      <Act
        label={isDrained ? "Undrain …" : "Drain …"}
        claim="cluster:manage"
        onAct={() => setAsked(verb)}
      />
      <CopyCli command={sh`weir cluster explain ${node.name}`} />
      {asked && <Drain node={node} verb={asked} onClose={() => setAsked(undefined)} />}
    </>
  );
}

function Detail({ node }: { node: Shown }) {
  const { member, said, activation } = node;
  const now = useNow();
  return (
    <>
      <Panel title="What it is">
        <Facts
          of={[
            ["Roles", member.roles.join(", ") || "none"],
            [
              "Version",
              <span className="mono" key="v">
                {member.version}
              </span>,
            ],
            [
              "REST",
              <span className="mono" key="r">
                {member.rest}
              </span>,
            ],
            [
              "Cluster address",
              <span className="mono" key="a">
                {member.address}
              </span>,
            ],
            [
              "System",
              said && `${said.os}, ${said.architecture}, ${plural(said.processors, "processor")}`,
            ],
            ["Started", said && <Moment key="s" at={said.startedAt} />],
            ["Up for", said && duration(now - Date.parse(said.startedAt))],
            ["Memory", said && bytes(said.memoryBytes)],
            ["Tasks", said?.tasks],
            ["Links to others", said?.links],
            [
              "Certificate ends",
              said?.certificateExpiresAt && <Moment key="c" at={said.certificateExpiresAt} />,
            ],
            ["Changed", <Ago key="ch" at={member.changedAt} />],
            ["Why so", member.reason],
            ["Not reached from", member.unreachableFrom?.join(", ")],
          ]}
        />
      </Panel>
      <Panel title="Deployment">
        {activation ? (
          <Facts
            of={[
              ["Runs", <Running key="r" of={node} />],
              ["State", <State key="s" name={activation.state} />],
              ["Since", <Ago key="i" at={activation.currentSince} />],
              ["Why", activation.why.text],
              ["What failed", activation.failure?.cause.message],
              ["What to do", activation.failure?.cause.hint],
            ]}
          />
        ) : (
          <p className="muted">Nothing is known of what it is to run.</p>
        )}
      </Panel>
      <Panel title="Controllers here">
        <p>{said?.leases.length ? said.leases.join(", ") : <span className="muted">none</span>}</p>
      </Panel>
      <Instances node={node.name} />
      <Explained node={node} />
    </>
  );
}

/** Asked again when the node's state changes: that is when there is another reason. */
function Explained({ node }: { node: Shown }) {
  const { name, member } = node;
  const standing = useAsked(["explain", name, node.state, member.changedAt], () =>
    answered(api.GET("/api/v1/cluster/explain", { params: { query: { node: name } } })),
  );
  return (
    <Panel title="Why it stands where it does">
      <Shows of={standing}>
        {({ reasons }) =>
          reasons.length === 0 ? (
            <p className="muted">Nothing keeps it from being up.</p>
          ) : (
            <ul>
              {reasons.map((it) => (
                <li key={it.code + it.message}>
                  {it.message} <code className="muted">{it.code}</code>
                  {it.hint && <p className="muted small">{it.hint}</p>}
                </li>
              ))}
            </ul>
          )
        }
      </Shows>
    </Panel>
  );
}

/** How many instances of each workflow the schedule has here. */
function Instances({ node }: { node: string }) {
  const schedule = useLive("schedule");
  return (
    <Panel title="Instances by workflow">
      <Shows of={schedule}>
        {({ workflows }) => {
          const here = workflows.filter((it) => (it.nodes[node] ?? 0) > 0);
          if (here.length === 0) return <p className="muted">None.</p>;
          return (
            <Facts
              of={here.map((it) => [
                it.workflow,
                <Link key={it.workflow} to="/workflows/$name" params={{ name: it.workflow }}>
                  {plural(it.nodes[node] ?? 0, "instance")}
                </Link>,
              ])}
            />
          );
        }}
      </Shows>
    </Panel>
  );
}
