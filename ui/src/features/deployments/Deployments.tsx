import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { useLive } from "../../live";
import { bytes, count, plural } from "../../logic/format";
import { absence, away } from "../../logic/nodes";
import { Act, CopyCli } from "../../parts/Act";
import { Page, Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { Mark, State } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { Ago } from "../../parts/When";
import { Canary, StartCanary } from "./Canary";
import { Change } from "./Change";
import { Detail } from "./Detail";
import css from "./deployments.module.css";
import { Rules } from "./Rules";
import { ROOT, tree } from "./tree";
import { Upload } from "./Upload";
import { Withdraw } from "./Withdraw";
import type { Wanted } from "./wanted";
import { whereInShort, whereOf } from "./where";

type All = Schemas["Deployments"];
type Activation = Schemas["Activation"];
const route = getRouteApi("/frame/deployments");

/** What is stored, what runs where, and what it would take to run something else. */
export function Deployments() {
  const standing = useLive("deployments");
  const [wanted, setWanted] = useState<Wanted>();
  const [canary, setCanary] = useState<string>();
  const [files, setFiles] = useState<File[]>();
  const previous = standing.value?.previous;
  return (
    <Page
      title="Deployments"
      actions={
        <>
          <Act
            label="Roll back …"
            claim="deployment:activate"
            not={!previous && !standing.value?.canary && "There is nothing to go back to"}
            onAct={() => setWanted({ to: "rollback", back: previous ?? undefined })}
          />
          <Act label="Upload …" claim="deployment:write" isMain onAct={() => setFiles([])} />
          <CopyCli command="weir deployment list" />
        </>
      }
    >
      <Canary onWant={setWanted} />
      <Shows of={standing}>
        {(all) => <Stored all={all} onWant={setWanted} onCanary={setCanary} onDrop={setFiles} />}
      </Shows>
      <div className={css.two}>
        <Nodes />
        <Rules tags={standing.value?.items.map((it) => it.tag) ?? []} onWant={setWanted} />
      </div>
      <Recent all={standing.value} />
      {wanted && (
        <Change
          wanted={wanted}
          revision={standing.value?.revision}
          onClose={() => setWanted(undefined)}
        />
      )}
      {canary && (
        <StartCanary
          tag={canary}
          revision={standing.value?.revision}
          onClose={() => setCanary(undefined)}
        />
      )}
      {files && (
        <Upload
          files={files}
          tags={standing.value?.items.map((it) => it.tag) ?? []}
          onClose={() => setFiles(undefined)}
        />
      )}
    </Page>
  );
}

function Stored({
  all,
  onWant,
  onCanary,
  onDrop,
}: {
  all: All;
  onWant: (it: Wanted) => void;
  onCanary: (tag: string) => void;
  onDrop: (files: File[]) => void;
}) {
  const { tag } = route.useSearch();
  const [isOver, setOver] = useState(false);
  const chosen = all.items.find((it) => it.tag === tag);
  const here = useActivated();
  const placeOf = (it: Schemas["StoredDeployment"]) => whereOf(it, here);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the button is the first
    <div
      className={css.stored}
      data-over={isOver || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        onDrop([...event.dataTransfer.files]);
      }}
    >
      <Panel
        title="Stored"
        side={
          <span className="muted small">
            {plural(all.objects.count, "object")}, {bytes(all.objects.bytes)}
          </span>
        }
        flush
      >
        <ul className={css.tree}>
          <li>
            <Link
              to="/deployments"
              search={{ tag: undefined }}
              aria-current={tag === undefined ? "true" : undefined}
            >
              <span aria-hidden="true">○</span> {ROOT} <span className="muted">empty</span>
              {all.default === ROOT && <Mark tone="ok">default</Mark>}
            </Link>
          </li>
          {tree(all.items).map(({ deployment: it, depth }) => (
            <li key={it.tag}>
              <Link
                to="/deployments"
                search={{ tag: it.tag }}
                aria-current={it.tag === tag ? "true" : undefined}
                style={{ paddingLeft: 10 + depth * 18 }}
              >
                <span
                  aria-hidden="true"
                  data-tone={placeOf(it).failed.length > 0 ? "err" : undefined}
                >
                  {placeOf(it).runs.length > 0 ? "●" : placeOf(it).failed.length > 0 ? "▲" : "○"}
                </span>
                <span className="mono">{it.tag}</span>
                {it.default && <Mark tone="ok">default</Mark>}
                {all.canary?.tag === it.tag && <Mark tone="special">canary</Mark>}
                {it.duplicate && <Mark tone="idle">same content</Mark>}
                <span className="grow" />
                <span className="muted small">{whereInShort(placeOf(it))}</span>
                <span className="muted small">
                  <Ago at={it.builtAt} />
                </span>
              </Link>
            </li>
          ))}
        </ul>
        {all.items.length === 0 && (
          <Empty
            what="No package is stored"
            why="Drop a package here, or upload one. A package is a project as one signed file."
            cli="weir build DIR --tag v1 && weir deployment upload v1.weir"
          />
        )}
        {all.applied.length > 0 && <Applied all={all} />}
      </Panel>
      {chosen ? (
        <Detail
          deployment={chosen}
          at={placeOf(chosen)}
          all={all}
          onWant={onWant}
          onCanary={onCanary}
        />
      ) : tag !== undefined && tag !== ROOT ? (
        <Panel title={tag}>
          <Empty
            what={`There is no deployment ${tag}`}
            why="It was deleted, or never stored here. Choose one of those that are."
            cli="weir deployment list"
          />
        </Panel>
      ) : (
        <RootDetail all={all} onWant={onWant} />
      )}
    </div>
  );
}

/** What nodes run that are there. */
function useActivated(): readonly Activation[] {
  const activations = useLive("activations").value;
  const members = useLive("members").value;
  return (activations?.items ?? []).filter((it) => !absence(members, it.node));
}

function Applied({ all }: { all: All }) {
  const [leaving, setLeaving] = useState<string>();
  return (
    <div className={css.applied}>
      <h3>Applied from directories, beside the default</h3>
      {all.applied.map((it) => (
        <div key={it.project} className="row">
          <strong>{it.project}</strong>{" "}
          <span className="muted grow">
            {it.workflows.join(", ")} · <Ago at={it.deployedAt} />
          </span>
          <Act
            label="Withdraw …"
            about={it.project}
            claim="deployment:write"
            isDanger
            onAct={() => setLeaving(it.project)}
          />
        </div>
      ))}
      {leaving && <Withdraw project={leaving} onClose={() => setLeaving(undefined)} />}
    </div>
  );
}

function RootDetail({ all, onWant }: { all: All; onWant: (it: Wanted) => void }) {
  const isDefault = all.default === ROOT;
  return (
    <Panel
      title={ROOT}
      side={
        <Act
          label="Make default …"
          claim="deployment:activate"
          isDanger
          not={isDefault && "It is the default"}
          onAct={() => onWant({ to: "activate", tag: ROOT })}
        />
      }
    >
      <p className="muted">
        The empty deployment, which all others descend from. As the default it ends what packages
        run on nodes that no rule of their own fits. Choose a deployment to see what is in it.
      </p>
    </Panel>
  );
}

/** Who is gone switches nothing any more, whatever it did last. */
interface Activated extends Activation {
  absence: ReturnType<typeof absence>;
  /** Why it is not there. */
  reason: string | undefined;
}

const COLUMNS: Column<Activated>[] = [
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
    value: (it) => it.absence ?? it.state,
    cell: (it) => (
      <State name={it.absence ?? it.state} detail={it.reason ?? it.failure?.cause.message} />
    ),
  },
  {
    id: "current",
    title: "Runs",
    value: (it) => it.current ?? "",
    cell: (it) => <span className="mono">{(!it.absence && it.current) || "–"}</span>,
  },
  {
    id: "target",
    title: "Is to run",
    value: (it) => it.target,
    cell: (it) => <span className="mono">{it.target}</span>,
  },
  {
    id: "since",
    title: "Since",
    value: (it) => it.currentSince ?? undefined,
    cell: (it) => <Ago at={it.absence ? undefined : it.currentSince} />,
  },
  {
    id: "why",
    title: "Why",
    cell: (it) => (it.absence ? `once it is back: ${it.why.text}` : it.why.text),
  },
  { id: "failure", title: "What failed", cell: (it) => it.failure?.cause.message ?? "" },
];

function Nodes() {
  const standing = useLive("activations");
  const members = useLive("members").value;
  const rowOf = (it: Activation): Activated => ({
    ...it,
    absence: absence(members, it.node),
    reason: away(members, it.node)?.reason,
  });
  return (
    <Panel title="What nodes run" flush>
      <Shows of={standing}>
        {({ items }) => (
          <Table
            name="What nodes run"
            columns={COLUMNS}
            rows={items.map(rowOf)}
            keyOf={(it) => it.node}
            empty={
              <Empty
                what="No node is known"
                why="Nodes appear when they join."
                cli="weir deployment nodes"
              />
            }
          />
        )}
      </Shows>
    </Panel>
  );
}

function Recent({ all }: { all: All | undefined }) {
  if (!all || all.recent.length === 0) return null;
  return (
    <Panel title="Recent changes">
      <ul className={css.recent}>
        {all.recent.map((it) => (
          <li key={it.revision}>
            <span className="mono muted">{count(it.revision)}</span> {it.what}{" "}
            <span className="muted">
              {it.by} · <Ago at={it.at} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
