// What differs from one place to another: variables by environment, and secrets by who can read them.
import { TextInput } from "@mantine/core";
import { useQueries, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Problem, problemIn } from "../../api/problem";
import { useSession } from "../../app/session";
import { Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Empty, Loading, Shows } from "../../parts/Shows";
import { withValue } from "../editor/text";
import { Head, type Shown } from "./Head";
import { type Column, cellsOf, matrix, typedOf } from "./matrix";
import { type Asset, assetOf, renew, useAssets, written } from "./projects";
import css from "./projects.module.css";
import { Secrets } from "./Secrets";

export function Environments({ project }: { project: string }) {
  return (
    <Shows of={useAssets(project)}>
      {({ items }) => <Texts project={project} assets={items} />}
    </Shows>
  );
}

function Texts({ project, assets }: { project: string; assets: readonly Asset[] }) {
  const wanted = assets.filter((it) =>
    ["Environment", "Secret", "Project"].includes(it.kind ?? ""),
  );
  const asked = useQueries({
    queries: wanted.map(({ path }) => ({
      queryKey: ["asset", project, path],
      queryFn: () => assetOf(project, path),
    })),
  });
  const refused = asked.find((it) => it.error && !it.data);
  if (refused) return <ProblemView problem={problemIn(refused.error)} />;
  if (asked.some((it) => !it.data)) return <Loading lines={6} />;
  const views = asked.flatMap((it) => (it.data ? [it.data] : []));
  return (
    <>
      <Variables project={project} views={views} />
      <Secrets project={project} views={views} />
    </>
  );
}

function Variables({ project, views }: Shown) {
  const { may } = useSession();
  const [problem, setProblem] = useState<Problem>();
  const queries = useQueryClient();
  const columns = matrix(views, "Environment");
  const names = [...new Set(columns.flatMap((it) => Object.keys(it.values)))].sort();
  const set = async (column: Column, name: string, typed: string) => {
    const view = views.find((it) => it.path === column.path);
    if (!view) return;
    setProblem(undefined);
    const value = typed === "" ? undefined : typedOf(typed);
    try {
      const text = withValue(view.text, ["spec", "values", name], value);
      await written(project, column.path, text, view.etag ?? undefined);
    } catch (error) {
      setProblem(problemIn(error));
    }
    await renew(queries);
  };
  return (
    <Panel title="Environments" flush>
      {problem && <ProblemView problem={problem} />}
      {columns.length === 0 ? (
        <Empty
          what="There is no environment"
          why="Values that differ from one place to another, written ${env:NAME} where they are used. Make one under Assets, and name it in project.yaml."
        />
      ) : (
        <div className={css.matrix}>
          <table aria-label="Variables by environment">
            <Head project={project} columns={columns} />
            <tbody>
              {names.map((name) => (
                <tr key={name}>
                  <th scope="row" className="mono">
                    {name}
                  </th>
                  {cellsOf(columns, name).map(({ column, value, isMissing, isEffective }) => (
                    <td key={column.path} data-missing={isMissing || undefined}>
                      <Cell
                        label={`${name} in ${column.name}`}
                        value={value}
                        note={isMissing ? "▲ missing" : isEffective ? "takes effect" : ""}
                        isReadOnly={!may("project:write")}
                        onSet={(it) => set(column, name, it)}
                      />
                    </td>
                  ))}
                </tr>
              ))}
              <NewName columns={columns} onSet={set} isReadOnly={!may("project:write")} />
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

interface CellProps {
  label: string;
  value: string;
  note: string;
  isReadOnly: boolean;
  onSet: (typed: string) => Promise<void>;
}

/** What is typed is written with `Enter`, or when one goes on; `Escape` takes it back. */
function Cell({ label, value, note, isReadOnly, onSet }: CellProps) {
  const [typed, setTyped] = useState<string>();
  const done = () => {
    if (typed !== undefined && typed !== value) void onSet(typed);
    setTyped(undefined);
  };
  return (
    <TextInput
      aria-label={label}
      value={typed ?? value}
      placeholder="–"
      disabled={isReadOnly}
      description={note}
      inputWrapperOrder={["input", "description"]}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={done}
      onKeyDown={(event) => {
        if (event.key === "Enter") done();
        if (event.key === "Escape") setTyped(undefined);
      }}
      autoComplete="off"
    />
  );
}

function NewName(props: {
  columns: readonly Column[];
  isReadOnly: boolean;
  onSet: (column: Column, name: string, typed: string) => Promise<void>;
}) {
  const [name, setName] = useState("");
  return (
    <tr>
      <th scope="row">
        <TextInput
          aria-label="Name of a new variable"
          placeholder="NEW_NAME"
          value={name}
          disabled={props.isReadOnly}
          onChange={(event) => setName(event.currentTarget.value.trim())}
          autoComplete="off"
        />
      </th>
      {props.columns.map((column) => (
        <td key={column.path}>
          {name && (
            <Cell
              label={`${name} in ${column.name}`}
              value=""
              note=""
              isReadOnly={props.isReadOnly}
              onSet={async (typed) => {
                await props.onSet(column, name, typed);
                setName("");
              }}
            />
          )}
        </td>
      ))}
    </tr>
  );
}
