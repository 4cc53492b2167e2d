import { TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Act, Confirm, CopyCli } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { Mark } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import css from "./history.module.css";
import { MergeDialog } from "./MergeDialog";
import { renewAll, type Status, seen, short, useBranches } from "./versions";

type Branch = Schemas["Branch"];
type Asked = { do: "create" } | { do: "switch" | "merge" | "delete" | "rename"; branch: Branch };

/** The branches of a project, and what is done with them. */
export function Branches({ status }: { status: Status }) {
  const { project } = status;
  const [asked, setAsked] = useState<Asked>();
  const close = () => setAsked(undefined);
  const into = status.branch ?? "this version";
  const onBranch = !status.branch && "The project is on no branch";
  const columns: Column<Branch>[] = [
    {
      id: "name",
      title: "Branch",
      value: (it) => it.name,
      cell: (it) => (
        <>
          {it.name} {it.isCurrent && <Mark tone="ok">current</Mark>}
          {it.isRemote && <span className="muted small">of a remote</span>}
        </>
      ),
    },
    { id: "head", title: "Newest", cell: (it) => <code>{short(it.head)}</code> },
    {
      id: "do",
      title: "",
      cell: (it) =>
        it.isCurrent ? (
          <span className={css.acts}>
            <Rename of={it} onAsk={setAsked} />
          </span>
        ) : (
          <span className={`row ${css.acts}`}>
            {!it.isRemote && (
              <Act
                label="Switch"
                about={`to ${it.name}`}
                claim="project:write"
                onAct={() => setAsked({ do: "switch", branch: it })}
              />
            )}
            <Act
              label="Merge …"
              about={it.name}
              claim="project:write"
              not={onBranch}
              onAct={() => setAsked({ do: "merge", branch: it })}
            />
            {!it.isRemote && <Rename of={it} onAsk={setAsked} />}
            {!it.isRemote && (
              <Act
                label="Delete …"
                about={it.name}
                claim="project:write"
                onAct={() => setAsked({ do: "delete", branch: it })}
              />
            )}
          </span>
        ),
    },
  ];
  return (
    <Panel
      title="Branches"
      side={
        <div className="row">
          <Act
            label="New …"
            about="branch"
            claim="project:write"
            not={!status.head && "There is no version yet"}
            onAct={() => setAsked({ do: "create" })}
          />
          <CopyCli command={sh`weir project branch list ${project}`} />
        </div>
      }
      flush
    >
      <Shows of={useBranches(project)}>
        {({ items }) => (
          <Table
            name="Branches"
            columns={columns}
            rows={items}
            keyOf={(it) => it.name}
            empty={<Empty what="There is no branch yet" why="They begin with the first version." />}
          />
        )}
      </Shows>
      {asked?.do === "create" && <Create status={status} onClose={close} />}
      {asked?.do === "switch" && <Switch status={status} to={asked.branch} onClose={close} />}
      {asked?.do === "delete" && <Delete status={status} of={asked.branch} onClose={close} />}
      {asked?.do === "rename" && <RenameBranch status={status} of={asked.branch} onClose={close} />}
      {asked?.do === "merge" && (
        <MergeDialog project={project} branch={asked.branch.name} into={into} onClose={close} />
      )}
    </Panel>
  );
}

function Create({ status, onClose }: { status: Status; onClose: () => void }) {
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const { project } = status;
  return (
    <Confirm
      title="A new branch"
      verb="Create and switch"
      cli={sh`weir project branch create ${project} ${name || "NAME"}`}
      not={!name && "A name is missing"}
      onDo={async () => {
        const path = { project };
        const make = api.POST("/api/v1/projects/{project}/branches", {
          params: { path },
          body: { name },
        });
        await answered(make);
        await switched(project, name);
        await renewAll(queries);
      }}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        value={name}
        onChange={(event) => setName(event.currentTarget.value.trim())}
        autoComplete="off"
        data-autofocus
      />
      <p className="muted">
        It begins at <code>{short(status.head ?? "")}</code>, where the project is. What is not
        committed comes along.
      </p>
    </Confirm>
  );
}

function Rename({ of, onAsk }: { of: Branch; onAsk: (it: Asked) => void }) {
  return (
    <Act
      label="Rename …"
      about={of.name}
      claim="project:write"
      onAct={() => onAsk({ do: "rename", branch: of })}
    />
  );
}

function RenameBranch({ status, of, onClose }: OneProps & { of: Branch }) {
  const queries = useQueryClient();
  const [name, setName] = useState(of.name);
  const { project } = status;
  return (
    <Confirm
      title={`Rename the branch ${of.name}`}
      verb="Rename"
      cli={sh`weir project branch rename ${project} ${of.name} ${name || "NAME"}`}
      not={(!name && "A name is missing") || (name === of.name && "It is called so")}
      onDo={async () => {
        const params = { path: { project, branch: of.name } };
        const path = "/api/v1/projects/{project}/branches/{branch}";
        await answered(api.PATCH(path, { params, body: { name } }));
        await renewAll(queries);
      }}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        value={name}
        onChange={(event) => setName(event.currentTarget.value.trim())}
        autoComplete="off"
        data-autofocus
      />
      <p className="muted">
        Remotes know it by the name that it had: what is pushed from now on goes to the new one.
      </p>
    </Confirm>
  );
}

const switched = (project: string, branch: string) =>
  answered(
    api.POST("/api/v1/projects/{project}/branches/{branch}/switch", {
      params: { path: { project, branch } },
    }),
  );

interface OneProps {
  status: Status;
  onClose: () => void;
}

function Switch({ status, to, onClose }: OneProps & { to: Branch }) {
  const queries = useQueryClient();
  const { project, files } = status;
  return (
    <Confirm
      title={`Switch ${project} to ${to.name}`}
      verb="Switch"
      cli={sh`weir project branch switch ${project} ${to.name}`}
      onDo={async () => {
        await switched(project, to.name);
        await renewAll(queries);
      }}
      onClose={onClose}
    >
      <p>
        The project’s files become those of <strong>{to.name}</strong>, for everybody who works on
        it here.
      </p>
      {files.length > 0 && (
        <p className="muted">
          {plural(files.length, "file")} changed and not committed: the changes come along, or it is
          refused where they do not fit.
        </p>
      )}
    </Confirm>
  );
}

function Delete({ status, of, onClose }: OneProps & { of: Branch }) {
  const queries = useQueryClient();
  const { project } = status;
  return (
    <Confirm
      title={`Delete the branch ${of.name}`}
      verb="Delete"
      isDanger
      cli={sh`weir project branch delete ${project} ${of.name}`}
      onDo={async () => {
        const params = { path: { project, branch: of.name }, header: seen(of.head) };
        await answered(api.DELETE("/api/v1/projects/{project}/branches/{branch}", { params }));
        await renewAll(queries);
      }}
      onClose={onClose}
    >
      <p>
        It is refused if {of.name} has versions that {status.branch ?? "the project"} has not; the
        command takes <code>--force</code> then, and they are lost.
      </p>
    </Confirm>
  );
}
