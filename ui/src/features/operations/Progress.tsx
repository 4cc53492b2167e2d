import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { type Problem, problemIn } from "../../api/problem";
import { duration } from "../../logic/format";
import { useNow } from "../../logic/now";
import { sh } from "../../logic/shell";
import { lookOf } from "../../logic/state";
import { CopyCli } from "../../parts/Act";
import { ProblemView } from "../../parts/Problem";
import { State } from "../../parts/State";
import { cancelled, isOver, type Operation } from "./operations";
import css from "./operations.module.css";

/** What an operation has done, what it does and what is left; and how it is ended. */
export function Progress({ of }: { of: Operation }) {
  const [problem, setProblem] = useState<Problem>();
  const now = useNow();
  const begun = Date.parse(of.begunAt);
  const took = (of.endedAt ? Date.parse(of.endedAt) : now) - begun;
  // What was not wanted is not begun, and is nobody's concern once all is well.
  const shown = of.steps.filter((it) => of.state !== "succeeded" || it.state !== "waiting");
  const state = of.isCancelling && !isOver(of) ? "cancelling" : of.state;
  return (
    <div className={css.progress}>
      <div className="row" role="status">
        <State name={state} />
        <span className="muted">
          {duration(took)}, by {of.by}
        </span>
        <div className="grow" />
        <CopyCli command={sh`weir operation ${isOver(of) ? "show" : "watch"} ${of.id}`} />
        {!isOver(of) && (
          <Button
            disabled={of.isCancelling}
            onClick={() =>
              void cancelled(of.id).then(
                () => setProblem(undefined),
                (error) => setProblem(problemIn(error)),
              )
            }
          >
            Cancel
          </Button>
        )}
      </div>
      <ol className={css.steps} aria-label="Steps">
        {shown.map((it) => (
          <Step key={it.name} of={it} isOver={isOver(of)} />
        ))}
      </ol>
      {problem && <ProblemView problem={problem} />}
    </div>
  );
}

function Step({ of, isOver }: { of: Operation["steps"][number]; isOver: boolean }) {
  const { glyph, word, tone } = lookOf(of.state === "waiting" ? "stepWaiting" : of.state);
  const said = of.state === "waiting" && isOver ? "not begun" : word;
  return (
    <li data-tone={tone}>
      <span className={css.glyph} aria-hidden="true">
        {glyph}
      </span>
      <span className={css.step}>{of.name}</span>
      <span className="hidden">{said}</span>
      {of.state === "running" && typeof of.percent === "number" && (
        <meter
          min={0}
          max={100}
          value={of.percent}
          aria-label={`${of.name}: ${of.percent} percent`}
        />
      )}
      <span className="muted">{of.message ?? (of.state === "done" ? "" : said)}</span>
    </li>
  );
}

/** As the server writes a finding in a line. */
const FINDING = /\w+\[(WEIR-\d+)\] (.*)$/;
const PLACE = /^(.+\.ya?ml):(\d+)(?::\d+)?$/;

/** Why an operation failed; what is wrong in the project leads there. */
export function Refused({ project, problem }: { project: string; problem: Problem }) {
  const found = (problem.errors ?? []).map((it) => ({ ...it, at: PLACE.exec(it.pointer) }));
  const others = found.filter((it) => !it.at);
  const shown = { ...problem, errors: others.length > 0 ? others : undefined };
  return (
    <>
      <ProblemView problem={shown} />
      {found.some((it) => it.at) && (
        <ul className={css.found} aria-label="What forbids it">
          {found.map(({ pointer, detail, at }) => {
            if (!at) return null;
            const [said = "", ...fixes] = detail.split("\n");
            const [, code, cause] = FINDING.exec(said) ?? [];
            return (
              <li key={pointer + detail}>
                <Link
                  to="/projects/$project/assets/$"
                  params={{ project, _splat: at[1] ?? "" }}
                  search={{ tab: "code", line: at[2] }}
                >
                  {pointer}
                </Link>{" "}
                {code && <code className="muted">{code}</code>}
                <p>{cause ?? said}</p>
                {fixes.map((it) => (
                  <p key={it} className="muted">
                    {it.trim()}
                  </p>
                ))}
              </li>
            );
          })}
        </ul>
      )}
    </>
  );
}
