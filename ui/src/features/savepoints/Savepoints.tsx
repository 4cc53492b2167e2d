import { Button, TextInput } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { useLive } from "../../live";
import { bytes, count } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Act, Confirm, CopyCli } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { useAsked } from "../../parts/useAsked";
import { useIntent } from "../../parts/useIntent";
import { Ago } from "../../parts/When";
import { Checkpoint } from "./Checkpoint";
import { type Begin, Renew } from "./Renew";

type Savepoint = Schemas["Savepoint"];
const route = getRouteApi("/frame/workflows/$name");

const COLUMNS: Column<Savepoint>[] = [
  {
    id: "name",
    title: "Savepoint",
    value: (it) => it.name,
    cell: (it) => <strong>{it.name}</strong>,
  },
  {
    id: "state",
    title: "State",
    value: (it) => it.state,
    cell: (it) => <State name={it.state} detail={it.fault?.message} />,
  },
  {
    id: "lanes",
    title: "Lanes",
    isNumber: true,
    value: (it) => it.lanes.length,
    cell: (it) => {
      const taken = it.lanes.filter((lane) => lane.state === "whole").length;
      return taken === it.lanes.length ? taken : `${taken}/${it.lanes.length}`;
    },
  },
  {
    id: "entries",
    title: "Entries",
    isNumber: true,
    value: (it) => it.entries ?? undefined,
    cell: (it) => (it.entries === undefined || it.entries === null ? "–" : count(it.entries)),
  },
  {
    id: "bytes",
    title: "Size",
    isNumber: true,
    value: (it) => it.bytes,
    cell: (it) => bytes(it.bytes),
  },
  { id: "by", title: "By", value: (it) => it.by ?? "", cell: (it) => it.by },
  {
    id: "at",
    title: "Taken",
    value: (it) => it.wantedAt ?? undefined,
    cell: (it) => <Ago at={it.wantedAt} />,
  },
  { id: "fault", title: "What is wrong", cell: (it) => it.fault?.message ?? "" },
];

type Asked = { do: "take" } | { do: "delete"; name: string } | { do: "begin"; begin: Begin };

/** Checkpoints of a live workflow that have a name, and where its next run begins. */
export function Savepoints({ workflow }: { workflow: string }) {
  const standing = useLive(`savepoints:${workflow}`);
  const { savepoint } = route.useSearch();
  const navigate = route.useNavigate();
  const [asked, setAsked] = useState<Asked>();
  const chosen = standing.value?.items.find((it) => it.name === savepoint);
  const open = (name: string | undefined) =>
    void navigate({ search: (before) => ({ ...before, savepoint: name }), replace: true });
  const close = () => setAsked(undefined);
  return (
    <>
      <Panel
        title="Savepoints"
        flush
        side={
          <div className="row">
            <Act
              label="Take …"
              claim="workflow:control"
              isMain
              onAct={() => setAsked({ do: "take" })}
            />
            <Act
              label="Where it stands …"
              claim="workflow:control"
              onAct={() => setAsked({ do: "begin", begin: { from: "newest" } })}
            />
            <Act
              label="Begin anew …"
              claim="workflow:control"
              isDanger
              onAct={() => setAsked({ do: "begin", begin: { from: "nothing" } })}
            />
            <CopyCli command={sh`weir workflow savepoint list ${workflow}`} />
          </div>
        }
      >
        <Shows of={standing}>
          {({ items }) => (
            <Table
              name="Savepoints"
              columns={COLUMNS}
              rows={items}
              keyOf={(it) => it.name}
              onOpen={(it) => open(it.name)}
              empty={
                <Empty
                  what="There is no savepoint"
                  why="A live workflow commits by checkpoints. A savepoint is one of all its lanes with a name: it stays until it is deleted. Take one before an upgrade. Workflows whose sources end have none."
                  cli={sh`weir workflow savepoint take ${workflow} NAME`}
                />
              }
            />
          )}
        </Shows>
      </Panel>
      {chosen && (
        <Inspect
          key={chosen.name}
          of={chosen}
          onRestore={() =>
            setAsked({ do: "begin", begin: { from: "savepoint", name: chosen.name } })
          }
          onDelete={() => setAsked({ do: "delete", name: chosen.name })}
          onClose={() => open(undefined)}
        />
      )}
      {asked?.do === "take" && <Take workflow={workflow} onClose={close} />}
      {asked?.do === "delete" && <Delete workflow={workflow} name={asked.name} onClose={close} />}
      {asked?.do === "begin" && <Renew workflow={workflow} begin={asked.begin} onClose={close} />}
    </>
  );
}

function Inspect(props: {
  of: Savepoint;
  onRestore: () => void;
  onDelete: () => void;
  onClose: () => void;
}) {
  const { name, workflow, state } = props.of;
  const standing = useAsked(["savepoint", workflow, name, state], () =>
    answered(
      api.GET("/api/v1/workflows/{name}/savepoints/{savepoint}", {
        params: { path: { name: workflow, savepoint: name } },
      }),
    ),
  );
  return (
    <Panel
      title={`Savepoint ${name}`}
      side={
        <div className="row">
          <Act
            label="Restore …"
            claim="workflow:control"
            not={state !== "whole" && "It is not whole"}
            onAct={props.onRestore}
          />
          <Act label="Delete …" claim="workflow:control" isDanger onAct={props.onDelete} />
          <CopyCli command={sh`weir workflow savepoint inspect ${workflow} ${name}`} />
          <Button onClick={props.onClose}>Close</Button>
        </div>
      }
    >
      {props.of.fault && (
        <p role="status">
          ▲ {props.of.fault.message} {props.of.fault.hint}
        </p>
      )}
      <Shows of={standing}>
        {({ lanes }) =>
          lanes.map((it) =>
            it.checkpoint ? (
              <Checkpoint key={it.lane} lane={it.lane} of={it.checkpoint} />
            ) : (
              <p key={it.lane}>
                <strong>{it.lane}</strong> <State name={it.state} />
              </p>
            ),
          )
        }
      </Shows>
    </Panel>
  );
}

function Take({ workflow, onClose }: { workflow: string; onClose: () => void }) {
  const intent = useIntent();
  const [name, setName] = useState("");
  const send = () => {
    const body = { name };
    const params = { path: { name: workflow }, ...intent(body) };
    return answered(api.POST("/api/v1/workflows/{name}/savepoints", { params, body }));
  };
  return (
    <Confirm
      title={`Take a savepoint of ${workflow}`}
      verb="Take it"
      cli={sh`weir workflow savepoint take ${workflow} ${name || "NAME"}`}
      not={!name && "A name is missing"}
      onDo={send}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        description="As before-upgrade; it is taken until the savepoint is deleted"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        autoComplete="off"
        data-autofocus
      />
      <p className="muted">
        The workflow goes on meanwhile. Each lane takes it with its next checkpoint, at a moment of
        its own.
      </p>
    </Confirm>
  );
}

function Delete({
  workflow,
  name,
  onClose,
}: {
  workflow: string;
  name: string;
  onClose: () => void;
}) {
  const intent = useIntent();
  return (
    <Confirm
      title={`Delete the savepoint ${name}`}
      verb="Delete"
      isDanger
      typed={name}
      cli={sh`weir workflow savepoint delete ${workflow} ${name}`}
      onDo={() =>
        answered(
          api.DELETE("/api/v1/workflows/{name}/savepoints/{savepoint}", {
            params: { path: { name: workflow, savepoint: name }, ...intent(name) },
          }),
        )
      }
      onClose={onClose}
    >
      <p>{workflow} can't begin from it any more. What it alone kept goes.</p>
    </Confirm>
  );
}
