// The tests of a project: a run of them, and what came otherwise than it was expected.
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { type Problem, problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Act, CopyCli } from "../../parts/Act";
import { Filter } from "../../parts/Filter";
import { Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Empty, Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { useIntent } from "../../parts/useIntent";
import { Ago } from "../../parts/When";
import { type Operation, useOperation, useOperations } from "../operations/operations";
import { Progress, Refused } from "../operations/Progress";
import { useAssets } from "../projects/projects";
import { type Case, type Difference, type Report, sentence, worstFirst } from "./report";
import css from "./tests.module.css";

const route = getRouteApi("/frame/projects/$project");

export function Tests({ project }: { project: string }) {
  const search = route.useSearch();
  const { filter = "" } = search;
  const navigate = route.useNavigate();
  const queries = useQueryClient();
  const [problem, setProblem] = useState<Problem>();
  const [attempt, setAttempt] = useState(0);
  const intent = useIntent();
  const runs = useOperations(project, "test");
  const assets = useAssets(project).value?.items;
  // Without one that is chosen: the one that was run last.
  const operation = search.operation ?? runs.value?.items[0]?.id;
  const standing = useOperation(
    operation,
    () => void queries.invalidateQueries({ queryKey: ["operations"] }),
  );
  const isRunning = standing.value?.state === "running";
  const run = async () => {
    setProblem(undefined);
    setAttempt(attempt + 1);
    try {
      const params = { path: { project }, ...intent([filter, attempt]) };
      const body = { filter };
      const begun = api.POST("/api/v1/projects/{project}/tests", { params, body });
      const { id } = await answered(begun);
      await navigate({ search: (it) => ({ ...it, operation: id }), replace: true });
    } catch (error) {
      setProblem(problemIn(error));
    }
  };
  return (
    <Panel
      title="Tests"
      side={
        <div className="row">
          <Filter
            value={filter}
            label="Cases"
            onChange={(it) =>
              void navigate({
                search: (all) => ({ ...all, filter: it || undefined }),
                replace: true,
              })
            }
          />
          <Act
            label={filter ? "Run these" : "Run all"}
            claim="project:write"
            isMain
            not={isRunning && "They are running"}
            onAct={() => void run()}
          />
          <CopyCli command={sh`weir test DIR ${filter ? ["--filter", filter] : []}`} />
        </div>
      }
    >
      {problem && <ProblemView problem={problem} />}
      {operation ? (
        <Shows of={standing}>{(it) => <Run project={project} of={it} />}</Shows>
      ) : (
        <Shows of={runs}>
          {() =>
            assets?.every((it) => it.kind !== "Test") ? (
              <Empty
                what="There are no tests yet"
                why="A test says what comes into a workflow and what is to come out of it. Make an asset of kind Test."
              />
            ) : (
              <Empty
                what="They were not run yet"
                why="They run here, without any cluster: only sources and sinks are doubles."
              />
            )
          }
        </Shows>
      )}
    </Panel>
  );
}

function Run({ project, of }: { project: string; of: Operation }) {
  const report = of.result as Report | undefined;
  return (
    <div className={css.run}>
      {report ? (
        <p role="status">
          <strong>{sentence(report)}</strong>{" "}
          <span className="muted">
            Run by {of.by} <Ago at={of.endedAt} />
          </span>
        </p>
      ) : (
        <Progress of={of} />
      )}
      {of.problem && <Refused project={project} problem={of.problem} />}
      {report && (
        <ul className={css.cases} aria-label="Cases">
          {worstFirst(report.cases).map((it) => (
            <One key={`${it.test}/${it.case}`} project={project} of={it} />
          ))}
        </ul>
      )}
      {report && report.untested.length > 0 && (
        <p className="muted">
          No test is about {plural(report.untested.length, "workflow")}:{" "}
          {report.untested.join(", ")}
        </p>
      )}
    </div>
  );
}

function One({ project, of }: { project: string; of: Case }) {
  const found = [...(of.differences ?? [])];
  return (
    <li>
      <div className="row">
        <State name={of.result} />
        <span>
          <span className="muted">{of.test} / </span>
          {of.case}
        </span>
        <div className="grow" />
        <At project={project} file={of.file} line={of.line} />
      </div>
      {found.map((it) => (
        <Differs key={`${it.line}${it.outlet}${it.what}`} project={project} of={it} />
      ))}
      {of.findings?.map((it) => (
        <div key={`${it.file}:${it.line}:${it.cause}`} className={css.difference}>
          <p>{it.cause}</p>
          {it.fix && <p className="muted">{it.fix}</p>}
          <At project={project} file={it.file} line={it.line} />
        </div>
      ))}
    </li>
  );
}

/** What was expected beside what came. */
function Differs({ project, of }: { project: string; of: Difference }) {
  const rows =
    of.fields && of.fields.length > 0
      ? of.fields
      : [{ path: "", expected: of.expected, got: of.got }];
  const hasValues = rows.some((it) => it.expected !== undefined || it.got !== undefined);
  return (
    <div className={css.difference}>
      <div className="row">
        <span>
          {of.outlet && <code>{of.outlet}</code>} {of.what}
        </span>
        <div className="grow" />
        <At project={project} file={of.file} line={of.line} />
      </div>
      {hasValues && (
        <table aria-label={`${of.outlet ?? ""} ${of.what}`}>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Expected</th>
              <th scope="col">Came</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((it) => (
              <tr key={it.path}>
                <th scope="row">
                  <code>{it.path || "record"}</code>
                </th>
                <td>
                  <Value of={it.expected} />
                </td>
                <td>
                  <Value of={it.got} isOther />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

function Value({ of, isOther }: { of: unknown; isOther?: boolean }) {
  if (of === undefined) return <span className="muted">nothing</span>;
  return <code data-other={isOther || undefined}>{JSON.stringify(of)}</code>;
}

function At({ project, file, line }: { project: string; file: string; line: number }) {
  return (
    <Link
      className="small"
      to="/projects/$project/assets/$"
      params={{ project, _splat: file }}
      search={{ tab: "code", line: line > 0 ? String(line) : undefined }}
    >
      {file}:{line}
    </Link>
  );
}
