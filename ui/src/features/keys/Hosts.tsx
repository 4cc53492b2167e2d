import { TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { Act, Confirm, CopyCli } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { type Column, Table } from "../../parts/Table";
import { useAsked } from "../../parts/useAsked";
import { useIntent } from "../../parts/useIntent";

const COLUMNS: Column<Schemas["KnownHost"]>[] = [
  {
    id: "alias",
    title: "Alias",
    value: (it) => it.alias,
    cell: (it) => <strong>{it.alias}</strong>,
  },
  {
    id: "line",
    title: "Key",
    cell: (it) => (
      <span className="mono" title={it.line}>
        {it.line}
      </span>
    ),
  },
  { id: "by", title: "By", cell: (it) => it.addedBy },
];

/** Hosts whose keys are known, so that nobody else can answer in their place. */
export function Hosts() {
  const standing = useAsked(["known hosts"], () => answered(api.GET("/api/v1/known-hosts")));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<"add" | "delete">();
  const [alias] = chosen;
  return (
    <Panel
      title="Known hosts"
      flush
      side={
        <div className="row">
          <Act label="Add …" about="a host" claim="key:write" onAct={() => setAsked("add")} />
          <Act
            label="Delete …"
            about="host"
            claim="key:write"
            isDanger
            not={chosen.size !== 1 && "Choose one"}
            onAct={() => setAsked("delete")}
          />
          <CopyCli command="weir host list" />
        </div>
      }
    >
      <Shows of={standing}>
        {({ items }) => (
          <Table
            name="Known hosts"
            columns={COLUMNS}
            rows={items}
            keyOf={(it) => it.alias}
            chosen={chosen}
            onChoose={setChosen}
            empty={
              <Empty
                what="No host is known"
                why="Keys of hosts that connectors speak to."
                cli="weir host add ALIAS LINE"
              />
            }
          />
        )}
      </Shows>
      {asked === "add" && <Add onClose={() => setAsked(undefined)} />}
      {asked === "delete" && alias !== undefined && (
        <Delete
          alias={alias}
          onDone={() => setChosen(new Set())}
          onClose={() => setAsked(undefined)}
        />
      )}
    </Panel>
  );
}

function Add({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const intent = useIntent();
  const [alias, setAlias] = useState("");
  const [line, setLine] = useState("");
  return (
    <Confirm
      title="Add a host"
      verb="Add"
      cli={`weir host add ${alias || "ALIAS"} '${line || "LINE"}'`}
      not={!(alias && line) && "An alias and a key are missing"}
      onDo={async () => {
        const body = { alias, line };
        await answered(api.POST("/api/v1/known-hosts", { params: intent(body), body }));
        await queries.invalidateQueries({ queryKey: ["known hosts"] });
      }}
      onClose={onClose}
    >
      <TextInput
        label="Alias"
        value={alias}
        onChange={(event) => setAlias(event.currentTarget.value)}
        autoComplete="off"
        data-autofocus
      />
      <TextInput
        label="Key"
        description="A line of known_hosts: host, kind, key"
        value={line}
        onChange={(event) => setLine(event.currentTarget.value)}
        autoComplete="off"
      />
    </Confirm>
  );
}

function Delete(props: { alias: string; onDone: () => void; onClose: () => void }) {
  const queries = useQueryClient();
  const intent = useIntent();
  const { alias } = props;
  return (
    <Confirm
      title={`Delete the host ${alias}`}
      verb="Delete"
      isDanger
      typed={alias}
      cli={`weir host delete ${alias}`}
      onDo={async () => {
        const params = { path: { alias }, ...intent(alias) };
        await answered(api.DELETE("/api/v1/known-hosts/{alias}", { params }));
        props.onDone();
        await queries.invalidateQueries({ queryKey: ["known hosts"] });
      }}
      onClose={props.onClose}
    >
      <p>Connectors refuse it from then on.</p>
    </Confirm>
  );
}
