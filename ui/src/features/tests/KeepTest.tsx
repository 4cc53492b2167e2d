import { TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import { freeName } from "../designer/design";
import { FileName } from "../projects/FileName";
import { type Asset, effective, renew, written } from "../projects/projects";
import { badName, pathFor } from "../projects/templates";
import type { TestRun } from "../samples/passages";
import { keptCase, type Tried, testText } from "./make";
import { secretsOf, valuesOf } from "./named";

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
  const named = async () => {
    const asked = { assets, specOf: (it: string) => queries.fetchQuery(effective(project, it)) };
    const chosen = tried.environment;
    const values = await valuesOf(asked, chosen ? [chosen] : []);
    const secrets = await secretsOf(asked, tried.text, values.all);
    return { ...(chosen && { environment: values.chosen }), secrets };
  };
  const keep = async () => {
    const one = keptCase(run, tried, await named());
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
      <FileName name="test" value={name} path={path} bad={bad} onChange={setName} />
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
