import { TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import { freeName } from "../designer/design";
import { matrix } from "../projects/matrix";
import { type Asset, assetOf, renew, written } from "../projects/projects";
import { badName, pathFor } from "../projects/templates";
import type { TestRun } from "../samples/passages";
import { keptCase, type Tried, testText } from "./make";

interface KeepProps {
  project: string;
  workflow: string;
  run: TestRun;
  tried: Tried;
  assets: readonly Asset[];
  onKept: (path: string) => void;
  onClose: () => void;
}

/** The sample that was tried becomes a test: what came of it is what is to come. */
export function KeepTest(props: KeepProps) {
  const { project, workflow, run, tried, assets } = props;
  const queries = useQueryClient();
  const names = assets.flatMap((it) => (it.kind === "Test" && it.name ? [it.name] : []));
  const [name, setName] = useState(() => freeName(names, workflow));
  const [shows, setShows] = useState("what was tried");
  const path = pathFor("Test", name || "NAME");
  const isTaken = names.includes(name) || assets.some((it) => it.path === path);
  const bad = badName(name) ?? (isTaken ? `There is a test ${name} already` : undefined);
  const keep = async () => {
    const environment = await valuesOf(project, assets, tried.environment);
    const one = keptCase(run, tried, environment);
    if ("not" in one) throw new Error(one.not);
    await written(project, path, testText(name, workflow, { ...one, name: shows }), undefined);
    props.onKept(path);
    await renew(queries);
  };
  return (
    <Confirm
      title="Keep as a test"
      verb="Keep"
      cli={sh`weir project put ${project} ${path} FILE`}
      not={bad ?? (!shows.trim() && "What it shows is missing")}
      onDo={keep}
      onClose={props.onClose}
    >
      <p>
        The sample comes in, and what came out now is to come out again: at each sink, and as dead
        letters. The test runs on what is saved, and has the time stand still: what the workflow
        makes of the time of day comes out otherwise.
      </p>
      <TextInput
        label="Name"
        name="test"
        description={`The file will be ${path}`}
        value={name}
        error={name && bad}
        onChange={(event) => setName(event.currentTarget.value)}
        autoComplete="off"
        data-autofocus
      />
      <TextInput
        label="What it shows"
        description="The name of its case, in words"
        value={shows}
        onChange={(event) => setShows(event.currentTarget.value)}
        autoComplete="off"
      />
    </Confirm>
  );
}

/** What stood for the names of the project's environments when it was tried. */
async function valuesOf(project: string, assets: readonly Asset[], name: string | null) {
  const asset = assets.find((it) => it.kind === "Environment" && it.name === name);
  if (!name || !asset) return undefined;
  return matrix([await assetOf(project, asset.path)], "Environment")[0]?.values;
}
