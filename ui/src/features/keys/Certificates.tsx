import { PasswordInput, Textarea, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { Act, Confirm, CopyCli } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { type Column, Table } from "../../parts/Table";
import { useAsked } from "../../parts/useAsked";
import { useIntent } from "../../parts/useIntent";
import { Ends } from "../../parts/When";
import { short } from "./Keys";

type Certificate = Schemas["TrustedCertificate"];

const COLUMNS: Column<Certificate>[] = [
  {
    id: "alias",
    title: "Alias",
    value: (it) => it.alias,
    cell: (it) => <strong>{it.alias}</strong>,
  },
  { id: "subject", title: "Subject", cell: (it) => <span title={it.subject}>{it.subject}</span> },
  { id: "kind", title: "What for", cell: (it) => (it.identity ? "shown" : "trusted") },
  {
    id: "until",
    title: "Ends",
    value: (it) => it.notAfter,
    cell: (it) => <Ends at={it.notAfter} />,
  },
  { id: "fingerprint", title: "Fingerprint", cell: (it) => short(it.fingerprint) },
  { id: "by", title: "By", value: (it) => it.addedBy, cell: (it) => it.addedBy },
];

/** What connectors trust, and what they show, those that end first at the top. */
export function Certificates() {
  const standing = useAsked(["certificates"], () => answered(api.GET("/api/v1/certificates")));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<"add" | "delete">();
  const [alias] = chosen;
  return (
    <Panel
      title="Certificates"
      flush
      side={
        <div className="row">
          <Act
            label="Add …"
            about="a certificate"
            claim="key:write"
            onAct={() => setAsked("add")}
          />
          <Act
            label="Delete …"
            about="certificate"
            claim="key:write"
            isDanger
            not={chosen.size !== 1 && "Choose one"}
            onAct={() => setAsked("delete")}
          />
          <CopyCli command="weir certs list" />
        </div>
      }
    >
      <Shows of={standing}>
        {({ items }) => (
          <Table
            name="Certificates"
            columns={COLUMNS}
            rows={items}
            keyOf={(it) => it.alias}
            sorting={{ by: "until", isDown: false }}
            chosen={chosen}
            onChoose={setChosen}
            empty={
              <Empty
                what="There are no certificates"
                why="Those that connectors trust, and those that they show."
                cli="weir certs add ALIAS --file FILE"
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
  const [pem, setPem] = useState("");
  const [key, setKey] = useState("");
  return (
    <Confirm
      title="Add a certificate"
      verb="Add"
      cli={`weir certs add ${alias || "ALIAS"} --file FILE${key ? " --key-file FILE" : ""}`}
      not={!(alias && pem) && "An alias and a certificate are missing"}
      onDo={async () => {
        const body = { alias, pem, key: key || undefined };
        await answered(api.POST("/api/v1/certificates", { params: intent([alias, pem]), body }));
        await queries.invalidateQueries({ queryKey: ["certificates"] });
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
      <Textarea
        size="xs"
        label="Certificate"
        description="In PEM; a file may be dropped here"
        rows={5}
        value={pem}
        onChange={(event) => setPem(event.currentTarget.value)}
        onDrop={(event) => {
          const [file] = event.dataTransfer.files;
          if (!file) return;
          event.preventDefault();
          void file.text().then(setPem);
        }}
        autoComplete="off"
      />
      <PasswordInput
        label="Private key"
        description="Empty: it is trusted. With its key, the cluster shows it."
        value={key}
        onChange={(event) => setKey(event.currentTarget.value)}
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
      title={`Delete the certificate ${alias}`}
      verb="Delete"
      isDanger
      typed={alias}
      cli={`weir certs delete ${alias}`}
      onDo={async () => {
        await answered(
          api.DELETE("/api/v1/certificates/{alias}", {
            params: { path: { alias }, ...intent(alias) },
          }),
        );
        props.onDone();
        await queries.invalidateQueries({ queryKey: ["certificates"] });
      }}
      onClose={props.onClose}
    >
      <p>Connectors trust or show it no more: what relies on it fails at its next connection.</p>
    </Confirm>
  );
}
