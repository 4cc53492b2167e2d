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
import { Head, type Shown } from "./Head";
import { type Column, cellsOf, matrix } from "./matrix";
import { NewAsset } from "./NewAsset";
import { assetOf, renew, STALE, useAssets, useFindings, written } from "./projects";
import css from "./projects.module.css";
import { useUse } from "./useUse";
import {
  applied,
  contested,
  countOf,
  drafted,
  keepDrafts,
  keptDrafts,
  meant,
  standing,
  stored,
} from "./values";

/** Variables by environment. What is typed is kept in the tab until it is saved or discarded. */
export function Variables({ project, views }: Shown) {
  const { may } = useSession();
  const queries = useQueryClient();
  const [problem, setProblem] = useState<Problem>();
  const [drafts, setDrafts] = useState(() => keptDrafts(project));
  const [isBusy, setBusy] = useState(false);
  const [isAdding, setAdding] = useState(false);
  const use = useUse({ project, views }, "Environment");
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
    setDrafts((it) => drafted(it, column.path, name, typed, standing(column.values[name])));
  };
  const both = columns.flatMap((it) => contested(drafts, it.path, it.values));
  // Chosen everywhere: that somebody else wrote is past.
  const isSettled = both.length === 0;
  useEffect(() => {
    if (isSettled) setProblem((it) => (it?.status === STALE ? undefined : it));
  }, [isSettled]);
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
  /** Other values that somebody else wrote meanwhile stay; where it is the same one, whoever saves chooses. */
  const put = async (view: Shown["views"][number]) => {
    const send = ({ text, etag }: Shown["views"][number]) =>
      written(project, view.path, applied({ path: view.path, text }, drafts), etag ?? undefined);
    try {
      return await send(view);
    } catch (refused) {
      if (problemIn(refused).status !== STALE) throw refused;
      const now = await assetOf(project, view.path);
      const values = matrix([now], "Environment")[0]?.values;
      if (!values || contested(drafts, view.path, values).length > 0) throw refused;
      return await send(now);
    }
  };
  const isReady = changed > 0 && both.length === 0 && !isBusy;
  const save = () =>
    doing(async () => {
      for (const view of views) {
        const sent = drafts[view.path];
        if (!sent) continue;
        const made = await put(view);
        // What is typed from now on is typed over what was sent.
        queries.setQueryData(["asset", project, view.path], made);
        setDrafts((it) => stored(it, view.path, sent));
      }
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
            not={
              (changed === 0 && "Nothing was changed") ||
              (both.length > 0 && `Somebody else changed ${both.join(", ")}: choose there first`) ||
              (isBusy && "It is being written")
            }
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
      {use.problem && <ProblemView problem={use.problem} />}
      <Broken project={project} />
      {columns.length === 0 ? (
        <Empty
          what="There is no environment"
          why="Values that differ from one place to another, written ${env:NAME} where they are used. Make one, and use it for the project."
        />
      ) : (
        <div className={css.matrix}>
          <table aria-label="Variables by environment">
            <Head project={project} columns={columns} use={isReadOnly ? undefined : use} />
            <tbody>
              {names.map((name) => (
                <tr key={name}>
                  <th scope="row" className="mono">
                    {name}
                  </th>
                  {cellsOf(columns, name).map(({ column, value, isMissing, isEffective }) => {
                    const typed = drafts[column.path]?.[name]?.typed;
                    const isContested =
                      both.includes(name) &&
                      contested(drafts, column.path, column.values).includes(name);
                    const note = isMissing ? "▲ missing" : isEffective ? "takes effect" : "";
                    return (
                      <td key={column.path} data-missing={isMissing || undefined}>
                        <Cell
                          label={`${name} in ${column.name}`}
                          value={typed ?? value}
                          note={typed === undefined ? note : "◆ not saved"}
                          theirs={isContested ? value : undefined}
                          isReadOnly={isReadOnly}
                          onType={(it) => type(column, name, it)}
                          onBack={() => type(column, name, value)}
                          onKeep={() => setDrafts((it) => meant(it, column.path, name, value))}
                          onSave={() => isReady && void save()}
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
        detail: "What they wrote stands below what you typed. Nothing of either is lost.",
        errors: undefined,
        hint: "Choose at each value whose it is to be, and save then.",
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
  /** What somebody else wrote there since it was typed. */
  theirs: string | undefined;
  isReadOnly: boolean;
  onType: (typed: string) => void;
  onBack: () => void;
  onKeep: () => void;
  onSave: () => void;
}

/** `Enter` saves all that was typed; `Escape` takes this one back. */
function Cell({ label, value, note, theirs, isReadOnly, onType, onBack, ...on }: CellProps) {
  const now = theirs && <code>{theirs}</code>;
  return (
    <>
      <TextInput
        aria-label={label}
        value={value}
        placeholder="–"
        disabled={isReadOnly}
        description={theirs === undefined ? note : undefined}
        error={
          theirs === undefined ? undefined : now ? (
            <>Somebody else wrote {now} meanwhile</>
          ) : (
            "Somebody else took it out meanwhile"
          )
        }
        inputWrapperOrder={["input", "description", "error"]}
        onChange={(event) => onType(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") on.onSave();
          if (event.key === "Escape") onBack();
        }}
        autoComplete="off"
      />
      {theirs !== undefined && (
        <div className={css.choose}>
          <Button size="compact-xs" onClick={onBack}>
            Take theirs<span className="hidden"> for {label}</span>
          </Button>
          <Button size="compact-xs" onClick={on.onKeep}>
            Keep mine<span className="hidden"> for {label}</span>
          </Button>
        </div>
      )}
    </>
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
