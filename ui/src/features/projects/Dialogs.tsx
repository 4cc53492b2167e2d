// What is done to projects as a whole: each in a dialog that says first what comes of it.
import { Checkbox, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import { DropFile } from "../../parts/DropFile";
import { imported, renew } from "./projects";
import { badName } from "./templates";

type Project = Schemas["ProjectSummary"];

export function Create({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const finish = useFinish();
  return (
    <Confirm
      title="Create a project"
      verb="Create"
      cli={sh`weir project create ${name || "NAME"}`}
      not={badName(name)}
      onDo={async () => {
        const body = { name, description: description || undefined };
        await finish(await answered(api.POST("/api/v1/projects", { body })));
      }}
      onClose={onClose}
    >
      <p className="muted">An empty project, in a directory of the server's own.</p>
      <TextInput
        label="Name"
        name="project"
        value={name}
        error={name && badName(name)}
        onChange={(event) => setName(event.currentTarget.value)}
        autoComplete="off"
        data-autofocus
      />
      <TextInput
        label="Description"
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
        autoComplete="off"
      />
    </Confirm>
  );
}

export function Open({ onClose }: { onClose: () => void }) {
  const [directory, setDirectory] = useState("");
  const finish = useFinish();
  return (
    <Confirm
      title="Open a project"
      verb="Open"
      cli={sh`weir project open ${directory || "DIR"}`}
      not={!directory && "A directory is missing"}
      onDo={async () => {
        const body = { directory };
        await finish(await answered(api.POST("/api/v1/projects:open", { body })));
      }}
      onClose={onClose}
    >
      <TextInput
        label="Directory"
        description="On the server's machine, with a project.yaml in it; it stays where it is"
        placeholder="/srv/projects/orders"
        value={directory}
        onChange={(event) => setDirectory(event.currentTarget.value)}
        autoComplete="off"
        data-autofocus
      />
    </Confirm>
  );
}

export function Import({ files, onClose }: { files: File[]; onClose: () => void }) {
  const [file, setFile] = useState<File | undefined>(files[0]);
  const [name, setName] = useState("");
  const finish = useFinish();
  return (
    <Confirm
      title="Import a project"
      verb="Import"
      cli={sh`weir project import ${file?.name ?? "FILE.zip"} ${name ? ["--name", name] : []}`}
      not={(!file && "An archive is missing") || (!!name && badName(name))}
      onDo={async () => {
        if (file) await finish(await imported(file, name));
      }}
      onClose={onClose}
    >
      <DropFile
        label="Archive"
        accept=".zip,application/zip"
        hint="Drop a ZIP archive here"
        file={file}
        onFile={setFile}
      />
      <TextInput
        label="Name"
        description="Empty: the one in the archive"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        autoComplete="off"
      />
    </Confirm>
  );
}

export function Rename({ project, onClose }: { project: Project; onClose: () => void }) {
  const [name, setName] = useState(project.name);
  const finish = useFinish();
  return (
    <Confirm
      title={`Rename ${project.name}`}
      verb="Rename"
      cli={sh`weir project rename ${project.name} ${name}`}
      not={badName(name) ?? (name === project.name && "That is its name")}
      onDo={async () => {
        const params = { path: { project: project.name } };
        const body = { name };
        await finish(await answered(api.PATCH("/api/v1/projects/{project}", { params, body })));
      }}
      onClose={onClose}
    >
      <TextInput
        label="New name"
        value={name}
        error={badName(name)}
        onChange={(event) => setName(event.currentTarget.value)}
        autoComplete="off"
        data-autofocus
      />
      <p className="muted">
        <code>metadata.name</code> in <code>project.yaml</code> is changed; its directory stays
        where it is. What engines run of it goes on under the former name.
      </p>
    </Confirm>
  );
}

export function Remove({ project, onClose }: { project: Project; onClose: () => void }) {
  const [withFiles, setWithFiles] = useState(false);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { name } = project;
  return (
    <Confirm
      title={withFiles ? `Delete ${name} with all its files` : `Forget ${name}`}
      verb={withFiles ? "Delete" : "Forget"}
      isDanger
      typed={withFiles ? name : undefined}
      cli={sh`weir project remove ${name} ${withFiles ? ["--delete-files-of", name] : []}`}
      onDo={async () => {
        const query = withFiles ? { deleteFilesOf: name } : undefined;
        const params = { path: { project: name }, query };
        await answered(api.DELETE("/api/v1/projects/{project}", { params }));
        await navigate({ to: "/projects" });
        await renew(queries);
      }}
      onClose={onClose}
    >
      <p>
        {withFiles ? (
          <>
            Everything in <code>{project.directory}</code> is deleted. Nothing leads back.
          </>
        ) : (
          <>
            The server shows it no more. Its files stay in <code>{project.directory}</code>, from
            where it can be opened again.
          </>
        )}
      </p>
      <p className="muted">What engines run of it goes on.</p>
      <Checkbox
        size="xs"
        label="Delete its files as well"
        checked={withFiles}
        onChange={(event) => setWithFiles(event.currentTarget.checked)}
      />
    </Confirm>
  );
}

/** Goes to the project that there is now. */
function useFinish() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return async (project: Project) => {
    await navigate({ to: "/projects/$project", params: { project: project.name } });
    await renew(queries);
  };
}
