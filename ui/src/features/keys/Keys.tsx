import { TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { Act, Confirm, CopyCli } from "../../parts/Act";
import { Page, Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { Mark } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { useAsked } from "../../parts/useAsked";
import { useIntent } from "../../parts/useIntent";
import { Moment } from "../../parts/When";

type Key = Schemas["Key"];

const short = (it: string) => (
  <span className="mono" title={it}>
    {it.slice(0, 16)}…
  </span>
);

const KEYS: Column<Key>[] = [
  {
    id: "alias",
    title: "Alias",
    value: (it) => it.alias,
    cell: (it) => (
      <>
        <strong>{it.alias}</strong> {it.current && <Mark tone="ok">current</Mark>}
      </>
    ),
  },
  { id: "fingerprint", title: "Fingerprint", cell: (it) => short(it.fingerprint) },
  {
    id: "public",
    title: "Public key",
    cell: (it) => (
      <span className="mono" title={it.public}>
        {it.public}
      </span>
    ),
  },
  { id: "description", title: "Description", cell: (it) => it.description },
  { id: "by", title: "By", value: (it) => it.createdBy, cell: (it) => it.createdBy },
  {
    id: "at",
    title: "Created",
    value: (it) => it.createdAt,
    cell: (it) => <Moment at={it.createdAt} />,
  },
];

const CERTIFICATES: Column<Schemas["TrustedCertificate"]>[] = [
  {
    id: "alias",
    title: "Alias",
    value: (it) => it.alias,
    cell: (it) => <strong>{it.alias}</strong>,
  },
  { id: "subject", title: "Subject", cell: (it) => it.subject },
  { id: "kind", title: "What for", cell: (it) => (it.identity ? "shown" : "trusted") },
  {
    id: "until",
    title: "Until",
    value: (it) => it.notAfter,
    cell: (it) => (
      <>
        <Moment at={it.notAfter} /> {it.expiresSoon && <Mark tone="warn">ends soon</Mark>}
      </>
    ),
  },
  { id: "fingerprint", title: "Fingerprint", cell: (it) => short(it.fingerprint) },
];

const HOSTS: Column<Schemas["KnownHost"]>[] = [
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

/** Keys that secrets are sealed to, certificates, and hosts whose keys are known. Private parts never leave. */
export function Keys() {
  const [isNew, setNew] = useState(false);
  return (
    <Page
      title="Keys"
      actions={
        <>
          <Act label="New key pair …" claim="key:write" isMain onAct={() => setNew(true)} />
          <CopyCli command="weir key list" />
        </>
      }
    >
      <Pairs />
      <Certificates />
      <Hosts />
      {isNew && <NewKey onClose={() => setNew(false)} />}
    </Page>
  );
}

function Pairs() {
  const standing = useAsked(["keys"], () => answered(api.GET("/api/v1/keys")));
  return (
    <Panel title="Key pairs" flush>
      <Shows of={standing}>
        {({ items }) => (
          <Table
            name="Key pairs"
            columns={KEYS}
            rows={items}
            keyOf={(it) => it.fingerprint}
            empty={
              <Empty
                what="There is no key pair"
                why="Secrets in projects are sealed to the public parts; the engines open them with the private ones."
                cli="weir key create ALIAS"
              />
            }
          />
        )}
      </Shows>
    </Panel>
  );
}

function Certificates() {
  const standing = useAsked(["certificates"], () => answered(api.GET("/api/v1/certificates")));
  return (
    <Panel title="Certificates" flush>
      <Shows of={standing}>
        {({ items }) => (
          <Table
            name="Certificates"
            columns={CERTIFICATES}
            rows={items}
            keyOf={(it) => it.alias}
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
    </Panel>
  );
}

function Hosts() {
  const standing = useAsked(["known hosts"], () => answered(api.GET("/api/v1/known-hosts")));
  return (
    <Panel title="Known hosts" flush>
      <Shows of={standing}>
        {({ items }) => (
          <Table
            name="Known hosts"
            columns={HOSTS}
            rows={items}
            keyOf={(it) => it.alias}
            empty={
              <Empty
                what="No host is known"
                why="Keys of hosts that connectors speak to."
                cli="weir host list"
              />
            }
          />
        )}
      </Shows>
    </Panel>
  );
}

function NewKey({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const intent = useIntent();
  const [alias, setAlias] = useState("");
  const [description, setDescription] = useState("");
  const send = async () => {
    const body = { alias, description };
    await answered(api.POST("/api/v1/keys", { params: intent(body), body }));
    await queries.invalidateQueries({ queryKey: ["keys"] });
  };
  return (
    <Confirm
      title="New key pair"
      verb="Make it"
      cli={`weir key create ${alias || "ALIAS"}`}
      not={!alias && "An alias is missing"}
      onDo={send}
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
        label="Description"
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
        autoComplete="off"
      />
      <p className="muted">
        The one that is current stays current. The private part is stored under the master key and
        never shown.
      </p>
    </Confirm>
  );
}
