import { PasswordInput, Textarea, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { sh } from "../../logic/shell";
import { Act, Confirm } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { Mark } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { useAsked } from "../../parts/useAsked";
import { useIntent } from "../../parts/useIntent";
import { Moment } from "../../parts/When";
import { Fingerprint, Long } from "./Long";

type Key = Schemas["Key"];

const COLUMNS: Column<Key>[] = [
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
  { id: "fingerprint", title: "Fingerprint", cell: (it) => <Fingerprint of={it.fingerprint} /> },
  {
    id: "public",
    title: "Public key",
    cell: (it) => <Long of={it.public} what="public key" />,
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

type Verb = "create" | "rotate" | "import";
const NEW = {
  create: {
    title: "New key pair",
    verb: "Make it",
    about: "The one that is current stays current.",
  },
  rotate: {
    title: "Rotate: a new key pair that is current from now on",
    verb: "Rotate",
    about:
      "What is sealed from now on is sealed to it. The former ones go on opening what was sealed to them.",
  },
  import: {
    title: "Import a private key",
    verb: "Import",
    about: "As age-keygen or an export wrote it.",
  },
} as const;

export function Pairs() {
  const standing = useAsked(["keys"], () => answered(api.GET("/api/v1/keys")));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<Verb | "delete">();
  const key = standing.value?.items.find((it) => chosen.has(it.fingerprint) && chosen.size === 1);
  const close = () => setAsked(undefined);
  return (
    <Panel
      title="Key pairs"
      flush
      side={
        <div className="row">
          <Act label="New key pair …" claim="key:write" isMain onAct={() => setAsked("create")} />
          <Act label="Rotate …" claim="key:write" onAct={() => setAsked("rotate")} />
          <Act label="Import …" claim="key:write" onAct={() => setAsked("import")} />
          <Act
            label="Delete …"
            about="key pair"
            claim="key:write"
            isDanger
            not={
              key
                ? key.current && "It is the current one: rotate first"
                : chosen.size > 1
                  ? "One at a time"
                  : "No key pair is chosen"
            }
            onAct={() => setAsked("delete")}
          />
        </div>
      }
    >
      <Shows of={standing}>
        {({ items }) => (
          <Table
            name="Key pairs"
            columns={COLUMNS}
            rows={items}
            keyOf={(it) => it.fingerprint}
            chosen={chosen}
            onChoose={setChosen}
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
      {asked && asked !== "delete" && (
        <New
          verb={asked}
          current={standing.value?.items.find((it) => it.current)}
          onClose={close}
        />
      )}
      {asked === "delete" && key && (
        <Delete of={key} onDone={() => setChosen(new Set())} onClose={close} />
      )}
    </Panel>
  );
}

function New({
  verb,
  current,
  onClose,
}: {
  verb: Verb;
  current: Key | undefined;
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const intent = useIntent();
  const [alias, setAlias] = useState("");
  const [description, setDescription] = useState("");
  const [secret, setSecret] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const { title, verb: label, about } = NEW[verb];
  const send = async () => {
    const body = { alias, description };
    const params = intent([verb, body]);
    if (verb === "create") await answered(api.POST("/api/v1/keys", { params, body }));
    else if (verb === "rotate")
      await answered(
        api.POST("/api/v1/keys:rotate", {
          params,
          body: { ...body, expected: current?.fingerprint },
        }),
      );
    else
      await answered(
        api.POST("/api/v1/keys:import", {
          params,
          body: { ...body, key: secret, passphrase: passphrase || undefined },
        }),
      );
    await queries.invalidateQueries({ queryKey: ["keys"] });
  };
  const isReady = alias && (verb !== "import" || secret);
  return (
    <Confirm
      title={title}
      verb={label}
      cli={sh`weir key ${verb} ${alias || "ALIAS"} ${verb === "import" ? ["--file", "FILE"] : []}`}
      not={!isReady && "An alias, or the key, is missing"}
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
      {verb === "import" && (
        <>
          <Textarea
            size="xs"
            label="Private key"
            rows={4}
            value={secret}
            onChange={(event) => setSecret(event.currentTarget.value)}
            autoComplete="off"
          />
          <PasswordInput
            label="Passphrase"
            description="Where it is under one"
            value={passphrase}
            onChange={(event) => setPassphrase(event.currentTarget.value)}
            autoComplete="off"
          />
        </>
      )}
      <p className="muted">
        {about} The private part is stored under the master key and never shown.
      </p>
    </Confirm>
  );
}

function Delete({ of, onDone, onClose }: { of: Key; onDone: () => void; onClose: () => void }) {
  const queries = useQueryClient();
  const intent = useIntent();
  return (
    <Confirm
      title={`Delete the key pair ${of.alias}`}
      verb="Delete"
      isDanger
      typed={of.alias}
      cli={sh`weir key delete ${of.alias}`}
      onDo={async () => {
        const { header } = intent([of.fingerprint, of.revision]);
        await answered(
          api.DELETE("/api/v1/keys/{key}", {
            params: {
              path: { key: of.fingerprint },
              header: { ...header, "if-match": of.revision },
            },
          }),
        );
        onDone();
        await queries.invalidateQueries({ queryKey: ["keys"] });
      }}
      onStale={() => void queries.invalidateQueries({ queryKey: ["keys"] })}
      onClose={onClose}
    >
      <p>
        What is sealed to it alone is opened here no more. The journal holds it until stored keys
        are put under the master key again, and backups do longer.
      </p>
    </Confirm>
  );
}
