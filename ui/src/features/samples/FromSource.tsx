// What is asked to look at a source as it is now: of which workflow, which stage, with which values, for how long.
import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { answered, api } from "../../api/client";
import { problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { ProblemView } from "../../parts/Problem";
import type { Forms } from "../editor/Form";
import type { Path } from "../editor/text";
import { effective } from "../projects/projects";
import { meant, type Peeking, RECORDS, readings, TYPES, WITHIN } from "./peek";

interface FromSourceProps {
  forms: Forms;
  at: Path;
  value: Peeking;
  onChange: (it: Peeking) => void;
}

export function FromSource({ forms, at, value, onChange }: FromSourceProps) {
  const { project, path, kind, name, assets, names, whole } = forms;
  const workflows = names("Workflow");
  const usages = useQuery({
    queryKey: ["usages", project, path],
    enabled: kind !== "Workflow",
    queryFn: () =>
      answered(
        api.GET("/api/v1/projects/{project}/assets/{asset}/usages", {
          params: { path: { project, asset: path } },
        }),
      ),
  });
  const isOwn = kind === "Workflow" && value.workflow === name;
  const other = assets.find((it) => it.kind === "Workflow" && it.name === value.workflow)?.path;
  const read = useQuery(effective(project, isOwn ? undefined : other));
  const spec = isOwn ? (whole as { spec?: unknown } | undefined)?.spec : read.data;
  const all = readings(spec);
  const isUnknown = kind !== "Workflow" && usages.isPending;
  const user = usages.data?.items.find((it) => it.kind === "Workflow")?.name;
  const first = (kind === "Workflow" ? name : user) ?? workflows[0] ?? "";
  const stage = meant(all, isOwn ? at : [], kind === "Source" ? name : undefined);
  const has = all.some((it) => it.stage === value.source);
  // What is meant is chosen as soon as it is known, until something else is.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it follows what is known, not what it is told
  useEffect(() => {
    if (!value.workflow) {
      if (!isUnknown && first) onChange({ ...value, workflow: first });
    } else if (spec !== undefined && !has && value.source !== stage)
      onChange({ ...value, source: stage });
  }, [isUnknown, first, value.workflow, value.source, spec, has, stage]);
  const environments = names("Environment");
  return (
    <>
      <Select
        label="Workflow"
        data={workflows}
        value={value.workflow || null}
        allowDeselect={false}
        searchable={workflows.length > 8}
        onChange={(it) => it && onChange({ ...value, workflow: it, source: "" })}
        nothingFoundMessage="The project has no workflow"
      />
      <Select
        label="Source"
        data={all.map((it) => it.stage)}
        value={value.source || null}
        allowDeselect={false}
        disabled={all.length === 0}
        description={
          spec !== undefined && all.length === 0
            ? `${value.workflow} has no stage that reads`
            : undefined
        }
        onChange={(it) => it && onChange({ ...value, source: it })}
      />
      {read.error && <ProblemView problem={problemIn(read.error)} />}
      {environments.length > 0 && (
        <Select
          label="Environment"
          placeholder="the project’s"
          data={environments}
          value={value.environment}
          clearable
          onChange={(environment) => onChange({ ...value, environment })}
        />
      )}
      <Select
        label="It is"
        placeholder="what the source says"
        data={TYPES}
        value={value.as}
        clearable
        onChange={(as) => onChange({ ...value, as })}
      />
      <div className="row">
        <Select
          label="Records"
          data={RECORDS.map((it) => ({ value: it, label: plural(Number(it), "record") }))}
          value={value.records}
          allowDeselect={false}
          onChange={(it) => it && onChange({ ...value, records: it })}
          w={140}
        />
        <Select
          label="Waits at most"
          data={[...WITHIN]}
          value={value.withinMs}
          allowDeselect={false}
          onChange={(it) => it && onChange({ ...value, withinMs: it })}
          w={110}
        />
      </div>
    </>
  );
}
