import { Select } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import { design } from "../designer/design";
import { parsed, valueAt } from "../editor/text";
import { firstCase, testText } from "../tests/make";
import { FileName } from "./FileName";
import { type Asset, assetOf, renew, written } from "./projects";
import { badName, pathFor, TEMPLATES, textOf } from "./templates";

/** A whole asset from its first line; it is opened at once. */
export function NewAsset({
  project,
  assets,
  first = "workflow",
  onClose,
}: {
  project: string;
  assets: readonly Asset[];
  /** What it is at first. */
  first?: string;
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [id, setId] = useState(first);
  const [name, setName] = useState("");
  const [parent, setParent] = useState("");
  const workflows = assets.filter((it) => it.kind === "Workflow" && it.name);
  const [tested, setTested] = useState(workflows[0]?.path ?? "");
  const template = TEMPLATES.find((it) => it.id === id) ?? TEMPLATES[0];
  if (!template) return null;
  const path = pathFor(template.kind, name || "NAME");
  const same = assets.filter((it) => it.kind === template.kind && it.name);
  const isTaken = same.some((it) => it.name === name) || assets.some((it) => it.path === path);
  const bad =
    badName(name) ?? (isTaken ? `There is a ${template.kind} ${name} already` : undefined);
  const isTest = template.kind === "Test";
  const whole = async () => {
    if (!isTest) return textOf(template, name, parent);
    const { name: workflow, text } = await assetOf(project, tested);
    const { stages } = design(valueAt(parsed(text).value, ["spec"]));
    return testText(name, workflow ?? "", firstCase(stages));
  };
  return (
    <Confirm
      title="New asset"
      about={`${id} ${name} ${parent}`}
      verb="Create"
      cli={sh`weir project put ${project} ${path} FILE`}
      not={bad ?? (isTest && !tested && "There is no workflow that it could be about")}
      onDo={async () => {
        const made = await written(project, path, await whole(), undefined);
        await navigate({
          to: "/projects/$project/assets/$",
          params: { project, _splat: made.path },
        });
        await renew(queries);
      }}
      onClose={onClose}
    >
      <Select
        label="What"
        description={template.what}
        data={TEMPLATES.map((it) => ({ value: it.id, label: it.title }))}
        value={id}
        allowDeselect={false}
        onChange={(it) => {
          setId(it ?? "workflow");
          setParent("");
        }}
      />
      <FileName name="asset" value={name} path={path} bad={bad} onChange={setName} />
      {isTest && workflows.length > 0 && (
        <Select
          label="Workflow"
          description="It begins with one case of it"
          data={workflows.map((it) => ({ value: it.path, label: String(it.name) }))}
          value={tested}
          allowDeselect={false}
          searchable
          onChange={(it) => setTested(it ?? "")}
        />
      )}
      {same.length > 0 && !["Test", "Snippet"].includes(template.kind) && (
        <Select
          label="Extends"
          description="What it does not say itself is as it is there"
          data={same.map((it) => String(it.name))}
          value={parent || null}
          clearable
          onChange={(it) => setParent(it ?? "")}
        />
      )}
    </Confirm>
  );
}
