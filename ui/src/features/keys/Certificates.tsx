import { PasswordInput, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import type { Column } from "../../parts/Table";
import { useIntent } from "../../parts/useIntent";
import { Ends } from "../../parts/When";
import { Aliased, aliasColumn } from "./Aliased";
import { Fingerprint } from "./Long";

const COLUMNS: Column<Schemas["TrustedCertificate"]>[] = [
  aliasColumn(),
  { id: "subject", title: "Subject", cell: (it) => <span title={it.subject}>{it.subject}</span> },
  { id: "kind", title: "What for", cell: (it) => (it.identity ? "shown" : "trusted") },
  {
    id: "until",
    title: "Ends",
    value: (it) => it.notAfter,
    cell: (it) => <Ends at={it.notAfter} />,
  },
  { id: "fingerprint", title: "Fingerprint", cell: (it) => <Fingerprint of={it.fingerprint} /> },
  { id: "by", title: "By", value: (it) => it.addedBy, cell: (it) => it.addedBy },
];

/** What connectors trust, and what they show, those that end first at the top. */
export function Certificates() {
  return (
    <Aliased
      title="Certificates"
      noun="certificate"
      cli="certs"
      query="certificates"
      ask={() => answered(api.GET("/api/v1/certificates"))}
      columns={COLUMNS}
      sorting={{ by: "until", isDown: false }}
      empty={{
        what: "There are no certificates",
        why: "Those that connectors trust, and those that they show.",
        cli: "weir certs add ALIAS --file FILE",
      }}
      add={(onDone, onClose) => <Add onDone={onDone} onClose={onClose} />}
      remove={(alias, intent) =>
        answered(
          api.DELETE("/api/v1/certificates/{alias}", { params: { path: { alias }, ...intent } }),
        )
      }
      effect="Connectors trust or show it no more: what relies on it fails at its next connection."
    />
  );
}

function Add({ onDone, onClose }: { onDone: () => Promise<void>; onClose: () => void }) {
  const intent = useIntent();
  const [alias, setAlias] = useState("");
  const [pem, setPem] = useState("");
  const [key, setKey] = useState("");
  return (
    <Confirm
      title="Add a certificate"
      verb="Add"
      cli={sh`weir certs add ${alias || "ALIAS"} --file FILE ${key ? ["--key-file", "FILE"] : []}`}
      not={!(alias && pem) && "An alias and a certificate are missing"}
      onDo={async () => {
        const body = { alias, pem, key: key || undefined };
        await answered(api.POST("/api/v1/certificates", { params: intent([alias, pem]), body }));
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
