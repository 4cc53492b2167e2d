import { TextInput } from "@mantine/core";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import type { Column } from "../../parts/Table";
import { useIntent } from "../../parts/useIntent";
import { Aliased, aliasColumn } from "./Aliased";
import { Long } from "./Long";

const COLUMNS: Column<Schemas["KnownHost"]>[] = [
  aliasColumn(),
  {
    id: "line",
    title: "Key",
    cell: (it) => <Long of={it.line} what="key" />,
  },
  { id: "by", title: "By", cell: (it) => it.addedBy },
];

/** Hosts whose keys are known, so that nobody else can answer in their place. */
export function Hosts() {
  return (
    <Aliased
      title="Known hosts"
      noun="host"
      cli="host"
      query="known hosts"
      ask={() => answered(api.GET("/api/v1/known-hosts"))}
      columns={COLUMNS}
      empty={{
        what: "No host is known",
        why: "Keys of hosts that connectors speak to.",
        cli: "weir host add ALIAS LINE",
      }}
      add={(onDone, onClose) => <Add onDone={onDone} onClose={onClose} />}
      remove={(alias, intent) =>
        answered(
          api.DELETE("/api/v1/known-hosts/{alias}", { params: { path: { alias }, ...intent } }),
        )
      }
      effect="Connectors refuse it from then on."
    />
  );
}

function Add({ onDone, onClose }: { onDone: () => Promise<void>; onClose: () => void }) {
  const intent = useIntent();
  const [alias, setAlias] = useState("");
  const [line, setLine] = useState("");
  return (
    <Confirm
      title="Add a host"
      verb="Add"
      cli={sh`weir host add ${alias || "ALIAS"} ${line || "LINE"}`}
      not={!(alias && line) && "An alias and a key are missing"}
      onDo={async () => {
        const body = { alias, line };
        await answered(api.POST("/api/v1/known-hosts", { params: intent(body), body }));
        await onDone();
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
