import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import type { Schemas } from "../../api/client";
import { history, useLive } from "../../live";
import { rates } from "../../live/history";
import { plural, rate } from "../../logic/format";
import { useNow } from "../../logic/now";
import { behindOf } from "../../parts/behind";
import { useHint } from "../../parts/hints";
import { Empty } from "../../parts/Shows";
import { Mark, State } from "../../parts/State";
import { useOrigins } from "../projects/origin";
import { useWays } from "../ways/useWays";
import { WaysOf } from "../ways/Ways";
import css from "./overview.module.css";

/** How many have room; all of them have a view of their own. */
const MOST = 6;

type Summary = Schemas["WorkflowSummary"];

/** The workflows that run, by project: what each is for, where it reads and writes, and what it did. */
export function Running({ all }: { all: readonly Summary[] }) {
  const wanted = useLive("schedule").value?.workflows ?? [];
  const nowhere = wanted.filter(
    (it) => it.target > 0 && !all.some(({ name }) => name === it.workflow),
  );
  if (all.length === 0 && nowhere.length === 0)
    return (
      <Empty
        what="No workflow runs yet"
        why="A workflow runs once a package of its project is deployed, or its directory is applied."
        action={<Link to="/projects">To the projects</Link>}
        cli="weir deploy PROJECT"
      />
    );
  // What moved the most is what one looks for first.
  const shown = [...all].sort((a, b) => moved(b) - moved(a)).slice(0, MOST);
  const projects = [...new Set(shown.map((it) => it.project))];
  return (
    <div className={css.running}>
      {nowhere.length > 0 && (
        <ul>
          {nowhere.slice(0, MOST).map((it) => (
            <li key={it.workflow} className="row">
              <Link to="/workflows/$name" params={{ name: it.workflow }}>
                <strong>{it.workflow}</strong>
              </Link>
              <Mark tone="err">runs nowhere</Mark>
              <span className="grow" />
              <span className="muted small">wanted {plural(it.target, "time")}</span>
            </li>
          ))}
        </ul>
      )}
      {projects.map((it) => (
        <section key={it} aria-label={`Project ${it}`}>
          <Origin project={it} />
          <ul>
            {shown
              .filter(({ project }) => project === it)
              .map((it) => (
                <One key={it.name} of={it} />
              ))}
          </ul>
        </section>
      ))}
      {all.length > MOST && (
        <p className={css.more}>
          <Link to="/workflows">{plural(all.length - MOST, "more workflow")}</Link>
        </p>
      )}
    </div>
  );
}

const moved = ({ counts, openStreams }: Summary) => counts.recordsIn + openStreams;

/** What the project is, and how it came to run here. */
function Origin({ project }: { project: string }) {
  const { project: known } = useOrigins(project);
  const applied = useLive("deployments").value?.applied.find((it) => it.project === project);
  return (
    <p className={css.origin}>
      <span className="muted">Project</span>{" "}
      {known ? (
        <Link to="/projects/$project" params={{ project }}>
          {project}
        </Link>
      ) : (
        <strong>{project}</strong>
      )}
      {known?.description && <span>: {known.description}</span>}
      {applied && (
        <span className="muted">
          {" "}
          It runs from its directory, <code>{applied.baseDir}</code>
        </span>
      )}
    </p>
  );
}

function One({ of }: { of: Summary }) {
  const now = useNow();
  const known = useWays(of.project, of.name);
  const recordsIn = rates(history.of(of.name), now)?.recordsIn ?? 0;
  const [isNew] = useHint("overview");
  useEffect(() => history.followStages(of.name), [of.name]);
  const late = behindOf(history, of.name, now);
  return (
    <li>
      <div className="row">
        <Link to="/workflows/$name" params={{ name: of.name }}>
          <strong>{of.name}</strong>
        </Link>
        <State name={of.state} detail={of.state === "waiting" ? "for input" : undefined} />
        {known?.description && <span className="muted">{known.description}</span>}
        <span className="grow" />
        {late && <Mark tone="warn">{`falls behind by ${rate(late.by)}`}</Mark>}
        {recordsIn > 0 && <span className="mono small">{rate(recordsIn)} in</span>}
      </div>
      <WaysOf of={of} known={known} isBare={!isNew} />
    </li>
  );
}
