import { TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import { FileName } from "../projects/FileName";
import { type Asset, renew, written } from "../projects/projects";
import { badName, pathFor } from "../projects/templates";
import type { Design } from "./design";
import { snippetOf } from "./snippet";

/** The chosen stages are kept under a name, for this workflow and others. */
export function SaveSnippet(props: {
  project: string;
  workflow: string;
  design: Design;
  chosen: readonly string[];
  assets: readonly Asset[];
  onSaved: (name: string) => void;
  onClose: () => void;
}) {
  const { project, design, chosen, assets } = props;
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const path = pathFor("Snippet", name || "NAME");
  const isTaken = assets.some(
    (it) => it.path === path || (it.kind === "Snippet" && it.name === name),
  );
  const bad = badName(name) ?? (isTaken ? `There is a snippet ${name} already` : undefined);
  return (
    <Confirm
      title={`Save ${plural(chosen.length, "stage")} as a snippet`}
      verb="Save"
      cli={sh`weir project snippet ${project} ${props.workflow} ${chosen} --name ${name || "NAME"}`}
      not={bad}
      onDo={async () => {
        await written(project, path, snippetOf(design, chosen, name, description), undefined);
        props.onSaved(name);
        await renew(queries);
      }}
      onClose={props.onClose}
    >
      <p>
        The workflow stays as it is. What feeds these stages from elsewhere is left open, and is
        connected where the snippet is put in.
      </p>
      <FileName name="snippet" value={name} path={path} bad={bad} onChange={setName} />
      <TextInput
        label="What it is for"
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
        autoComplete="off"
      />
    </Confirm>
  );
}
