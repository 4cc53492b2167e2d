import { Button, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { type Problem, problemIn } from "../../api/problem";
import { useSession } from "../../app/session";
import { plural } from "../../logic/format";
import { Act } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Empty } from "../../parts/Shows";
import { edited, listAt } from "../editor/text";
import { Head, type Shown } from "./Head";
import { type Column, cellsOf, matrix } from "./matrix";
import { NewAsset } from "./NewAsset";
import { renew, useAssets, useFindings, written } from "./projects";
import css from "./projects.module.css";
import { applied, countOf, drafted, keepDrafts, keptDrafts } from "./values";

/** The server has another text than the one that was changed. */
const STALE = 412;

/** Variables by environment. What is typed is kept in the tab until it is saved or discarded. */
export function Variables({ project, views }: Shown) {
  const { may } = useSession();
  const queries = useQueryClient();
  const [problem, setProblem] = useState<Problem>();
  const [drafts, setDrafts] = useState(() => keptDrafts(project));
  const [isBusy, setBusy] = useState(false);
  const [isAdding, setAdding] = useState(false);
  useEffect(() => keepDrafts(project, drafts), [project, drafts]);
  const assets = useAssets(project).value?.items ?? [];
  const columns = matrix(views, "Environment");
  const names = [
    ...new Set(
      [...columns, ...columns.map(({ path }) => ({ values: drafts[path] ?? {} }))].flatMap((it) =>
        Object.keys(it.values),
      ),
    ),
  ].sort();
  const changed = countOf(drafts);
  const isReadOnly = !may("project:write");
  const type = (column: Column, name: string, typed: string) => {
    const stands = column.values[name];
    setDrafts((it) => drafted(it, column.path, name, typed, stands == null ? "" : String(stands)));
  };
  const doing = async (what: () => Promise<void>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await what();
    } catch (error) {
      setProblem(said(problemIn(error)));
    } finally {
      setBusy(false);
      await renew(queries);
    }
  };
  const save = () =>
    doing(async () => {
      for (const view of views.filter((it) => drafts[it.path])) {
        await written(project, view.path, applied(view, drafts), view.etag ?? undefined);
        setDrafts(({ [view.path]: _, ...rest }) => rest);
      }
    });
  /** Puts an environment last in the list of `project.yaml`. */
  const use = (column: Column) =>
    doing(async () => {
      const view = views.find((it) => it.kind === "Project");
      if (!view) return;
      const text = edited(view.text, (document) => {
        listAt(document, ["spec", "environments"])?.add(document.createNode(column.name));
      });
      await written(project, view.path, text, view.etag ?? undefined);
    });
  return (
    <Panel
      title="Environments"
      flush
      side={
        <div className="row">
          <output className="muted small">
            {changed > 0 && `◆ ${plural(changed, "value")} not saved`}
          </output>
          <Button disabled={changed === 0 || isBusy} onClick={() => setDrafts({})}>
            Discard<span className="hidden"> values</span>
          </Button>
          <Act
            label="Save"
            about="values"
            claim="project:write"
            isMain
            not={(changed === 0 && "Nothing was changed") || (isBusy && "It is being written")}
            onAct={() => void save()}
          />
          <Act
            label="New …"
            about="environment"
            claim="project:write"
            onAct={() => setAdding(true)}
          />
        </div>
      }
    >
      {problem && <ProblemView problem={problem} />}
      <Broken project={project} />
      {columns.length === 0 ? (
        <Empty
          what="There is no environment"
          why="Values that differ from one place to another, written ${env:NAME} where they are used. Make one, and use it for the project."
        />
      ) : (
        <div className={css.matrix}>
          <table aria-label="Variables by environment">
            <Head
              project={project}
              columns={columns}
              onUse={isReadOnly ? undefined : (it) => void use(it)}
            />
            <tbody>
              {names.map((name) => (
                <tr key={name}>
                  <th scope="row" className="mono">
                    {name}
                  </th>
                  {cellsOf(columns, name).map(({ column, value, isMissing, isEffective }) => {
                    const typed = drafts[column.path]?.[name];
                    const note = isMissing ? "▲ missing" : isEffective ? "takes effect" : "";
                    return (
                      <td key={column.path} data-missing={isMissing || undefined}>
                        <Cell
                          label={`${name} in ${column.name}`}
                          value={typed ?? value}
                          note={typed === undefined ? note : "◆ not saved"}
                          isReadOnly={isReadOnly}
                          onType={(it) => type(column, name, it)}
                          onBack={() => type(column, name, value)}
                          onSave={() => void save()}
                        />
                      </td>
                    );
                  })}
                </tr>
              ))}
              <NewName columns={columns} onType={type} isReadOnly={isReadOnly} />
            </tbody>
          </table>
        </div>
      )}
      {isAdding && (
        <NewAsset
          project={project}
          assets={assets}
          first="environment"
          onClose={() => setAdding(false)}
        />
      )}
    </Panel>
  );
}

/** What a program would do about it says nothing to a person. */
const said = (problem: Problem): Problem =>
  problem.status === STALE
    ? {
        ...problem,
        title: "Somebody else wrote this environment meanwhile",
        detail: "What you typed is still here, beside what stands there now.",
        errors: undefined,
        hint: "Look at it again, and save once more.",
      }
    : problem;

/** What is wrong in the project, where values are changed: one of these may be why. */
function Broken({ project }: { project: string }) {
  const errors = (useFindings(project).value?.findings ?? []).filter(
    (it) => it.severity === "error",
  );
  const [first] = errors;
  if (!first) return null;
  return (
    <p className={css.none} role="status">
      <span aria-hidden="true">▲</span> {first.file}
      {first.line > 0 && `:${first.line}`}: {first.cause}{" "}
      <Link to="." search={{ tab: "problems" }}>
        {errors.length > 1 ? `All ${errors.length} errors` : "To the problems"}
      </Link>
    </p>
  );
}

interface CellProps {
  label: string;
  value: string;
  note: string;
  isReadOnly: boolean;
  onType: (typed: string) => void;
  onBack: () => void;
  onSave: () => void;
}

/** `Enter` saves all that was typed; `Escape` takes this one back. */
function Cell({ label, value, note, isReadOnly, onType, onBack, onSave }: CellProps) {
  return (
    <TextInput
      aria-label={label}
      value={value}
      placeholder="–"
      disabled={isReadOnly}
      description={note}
      inputWrapperOrder={["input", "description"]}
      onChange={(event) => onType(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter") onSave();
        if (event.key === "Escape") onBack();
      }}
      autoComplete="off"
    />
  );
}

function NewName(props: {
  columns: readonly Column[];
  isReadOnly: boolean;
  onType: (column: Column, name: string, typed: string) => void;
}) {
  const [name, setName] = useState("");
  const [value, setValue] = useState<{ column: Column; typed: string }>();
  const done = () => {
    if (!name || !value?.typed) return;
    props.onType(value.column, name, value.typed);
    setName("");
    setValue(undefined);
  };
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
            <TextInput
              aria-label={`${name} in ${column.name}`}
              value={value?.column.path === column.path ? value.typed : ""}
              placeholder="–"
              onChange={(event) => setValue({ column, typed: event.currentTarget.value })}
              onBlur={done}
              onKeyDown={(event) => event.key === "Enter" && done()}
              autoComplete="off"
            />
          )}
        </td>
      ))}
    </tr>
  );
}
