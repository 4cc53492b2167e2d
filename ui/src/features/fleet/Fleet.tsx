// The clusters that the server knows: how each was found last, and the way to it.
import { Button, Textarea, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { addressAt, DEFAULT_CLUSTER, place } from "../../api/place";
import { type Problem, problemIn } from "../../api/problem";
import { useLive } from "../../live";
import { counted } from "../../logic/alarms";
import { sh } from "../../logic/shell";
import { Act, Confirm, CopyCli } from "../../parts/Act";
import { Facts, Page, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Shows } from "../../parts/Shows";
import { Mark, State } from "../../parts/State";
import { Ago } from "../../parts/When";
import css from "./fleet.module.css";
import { Issuer } from "./Issuer";
import { type Cluster, nodesOf, sentence, standingOf } from "./standing";

type Asked = { do: "add" } | { do: "set" | "remove"; cluster: Cluster };

export function Fleet() {
  const [asked, setAsked] = useState<Asked>();
  const standing = useLive("clusters");
  const close = () => setAsked(undefined);
  const now = (of: Cluster) => standing.value?.items.find((it) => it.name === of.name) ?? of;
  return (
    <Page
      title="Fleet"
      actions={
        <>
          <Act
            label="Add …"
            about="a cluster"
            claim="cluster:manage"
            isMain
            onAct={() => setAsked({ do: "add" })}
          />
          <CopyCli command="weir fleet list" />
        </>
      }
    >
      <Shows of={standing}>
        {({ items }) => (
          <>
            <p>{sentence(items)}</p>
            <div className={css.cards}>
              {items.map((it) => (
                <Card key={it.name} of={it} onAsk={setAsked} />
              ))}
            </div>
            <Issuer />
          </>
        )}
      </Shows>
      {asked?.do === "add" && <Edit onClose={close} />}
      {asked?.do === "set" && <Edit cluster={now(asked.cluster)} onClose={close} />}
      {asked?.do === "remove" && <Remove cluster={now(asked.cluster)} onClose={close} />}
    </Page>
  );
}

function Card({ of, onAsk }: { of: Cluster; onAsk: (it: Asked) => void }) {
  const { state, cause } = standingOf(of);
  const { standing } = of;
  const name = of.name === DEFAULT_CLUSTER ? undefined : of.name;
  const isHere = of.name === (place.cluster ?? DEFAULT_CLUSTER);
  // When it was looked at, and how fast it answered, is told of no look but one's own: nothing changes by them.
  const [looked, setLooked] = useState<Cluster["standing"]>();
  const [problem, setProblem] = useState<Problem>();
  const alarms = useLive("alarms").value;
  const probe = async () => {
    setProblem(undefined);
    setLooked(undefined);
    try {
      const params = { path: { cluster: of.name } };
      const found = await answered(api.POST("/api/v1/clusters/{cluster}/probe", { params }));
      setLooked(found.standing);
    } catch (error) {
      setProblem(problemIn(error));
    }
  };
  return (
    <Panel
      title={of.name}
      side={
        <div className="row">
          {isHere && <Mark tone="info">this page is about it</Mark>}
          <State name={state} />
        </div>
      }
    >
      <div className={css.card}>
        {of.note && <p>{of.note}</p>}
        {cause && (
          <p className={css.cause} role="alert">
            {cause}
          </p>
        )}
        <Facts
          of={[
            ["Nodes", nodesOf(of)],
            ["Version", standing?.version],
            // Of the others the stream of this page says nothing.
            [
              "Alarms",
              isHere && alarms && (
                <Link key="a" to="/alarms">
                  {counted(alarms.counts.standing) || "none"}
                </Link>
              ),
            ],
            [
              standing?.reachable === false ? "Not reached since" : "Reached since",
              standing && <Ago key="s" at={standing.since} />,
            ],
            ["Answered by", standing?.engine],
            ["Looked at", looked && <Ago key="c" at={looked.checkedAt} />],
            [
              "Answered in",
              typeof looked?.answeredInMs === "number" && `${looked.answeredInMs} ms`,
            ],
          ]}
        />
        {problem && <ProblemView problem={problem} />}
        <div>
          <h3>Engines</h3>
          <ul className={css.engines}>
            {of.urls.map((it) => (
              <li key={it} className="mono">
                {it}
              </li>
            ))}
          </ul>
        </div>
        <div className="row">
          <Button component="a" href={addressAt(name, "/")} variant="filled">
            Operate<span className="hidden"> {of.name}</span>
          </Button>
          <Act
            label="Look now"
            about={`at ${of.name}`}
            claim="cluster:manage"
            onAct={() => void probe()}
          />
          <div className="grow" />
          <Act
            label="Change …"
            about={of.name}
            claim="cluster:manage"
            not={!of.entry && "The server’s configuration names it"}
            onAct={() => onAsk({ do: "set", cluster: of })}
          />
          <Act
            label="Remove …"
            about={of.name}
            claim="cluster:manage"
            not={!of.entry && "The server’s configuration names it"}
            onAct={() => onAsk({ do: "remove", cluster: of })}
          />
          <CopyCli command={sh`weir fleet show ${of.name}`} />
        </div>
      </div>
    </Panel>
  );
}

/**
 * What a change is based on: the cluster as it was shown when it was begun and, once that was refused because somebody else
 * changed it, as it is now.
 */
function useBasis(cluster: Cluster | undefined) {
  const queries = useQueryClient();
  const [first] = useState(cluster);
  const [isStale, setStale] = useState(false);
  return {
    revision: (isStale ? cluster : first)?.entry?.revision,
    isStale,
    onStale: () => {
      setStale(true);
      void queries.invalidateQueries({ queryKey: ["clusters"] });
    },
  };
}

function AsItIs({ of }: { of: Cluster }) {
  return (
    <p role="status">
      It is now {of.urls.join(", ")}
      {of.note && `, “${of.note}”`}. Go on only if you mean to change that.
    </p>
  );
}

/** Adds a cluster, or changes where one is reached. */
function Edit({ cluster, onClose }: { cluster?: Cluster; onClose: () => void }) {
  const queries = useQueryClient();
  const { revision, isStale, onStale } = useBasis(cluster);
  const [name, setName] = useState(cluster?.name ?? "");
  const [typed, setTyped] = useState(cluster?.urls.join("\n") ?? "");
  const [note, setNote] = useState(cluster?.note ?? "");
  const urls = typed.split(/\s+/).filter(Boolean);
  const verb = cluster ? "set" : "add";
  return (
    <Confirm
      title={cluster ? `Change ${cluster.name}` : "Add a cluster"}
      verb={cluster ? "Change" : "Add"}
      cli={sh`weir fleet ${verb} ${name || "NAME"} ${urls.length > 0 ? urls : "URL"} ${note ? ["--note", note] : []}`}
      not={(!name && "A name is missing") || (urls.length === 0 && "An address is missing")}
      onDo={async () => {
        await answered(
          cluster
            ? api.PUT("/api/v1/clusters/{cluster}", {
                params: { path: { cluster: name }, header: { "if-match": revision } },
                body: { urls, note },
              })
            : api.POST("/api/v1/clusters", { body: { name, urls, note } }),
        );
        await queries.invalidateQueries({ queryKey: ["clusters"] });
      }}
      onStale={onStale}
      onClose={onClose}
    >
      {isStale && cluster && <AsItIs of={cluster} />}
      {!cluster && (
        <TextInput
          label="Name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value.trim())}
          autoComplete="off"
          data-autofocus
        />
      )}
      <Textarea
        size="xs"
        label="Engines"
        description="Their addresses, tried in this order; only ones that you trust, over a network that you trust"
        placeholder={"http://node-1:5842\nhttp://node-2:5842"}
        rows={3}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <TextInput
        label="Note"
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
        autoComplete="off"
      />
    </Confirm>
  );
}

function Remove({ cluster, onClose }: { cluster: Cluster; onClose: () => void }) {
  const queries = useQueryClient();
  const { name } = cluster;
  const { revision, isStale, onStale } = useBasis(cluster);
  return (
    <Confirm
      title={`Remove ${name} from the list`}
      verb="Remove"
      isDanger
      cli={sh`weir fleet remove ${name}`}
      onDo={async () => {
        const params = { path: { cluster: name }, header: { "if-match": revision } };
        await answered(api.DELETE("/api/v1/clusters/{cluster}", { params }));
        await queries.invalidateQueries({ queryKey: ["clusters"] });
      }}
      onStale={onStale}
      onClose={onClose}
    >
      {isStale && <AsItIs of={cluster} />}
      <p>What it runs goes on. Until it is added again, nobody reaches it through this server.</p>
    </Confirm>
  );
}
