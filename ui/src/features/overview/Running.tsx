import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { history, useLive } from "../../live";
import { rates } from "../../live/history";
import { plural, rate, short } from "../../logic/format";
import { useNow } from "../../logic/now";
import { Empty } from "../../parts/Shows";
import { Mark, State } from "../../parts/State";
import { useOrigin } from "../projects/origin";
import css from "./overview.module.css";

/** How many have room; all of them have a view of their own. */
const MOST = 6;

/** The workflows that run, each with what it is for. */
export function Running({ all }: { all: readonly Schemas["WorkflowSummary"][] }) {
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
  return (
    <ul className={css.running}>
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
      {all.slice(0, MOST).map((it) => (
        <One key={it.name} of={it} />
      ))}
      {all.length > MOST && (
        <li>
          <Link to="/workflows">{plural(all.length - MOST, "more workflow")}</Link>
        </li>
      )}
    </ul>
  );
}

function One({ of }: { of: Schemas["WorkflowSummary"] }) {
  const now = useNow();
  const origin = useOrigin(of.project, of.name);
  const recordsIn = rates(history.of(of.name), now)?.recordsIn ?? 0;
  return (
    <li>
      <div className="row">
        <Link to="/workflows/$name" params={{ name: of.name }}>
          <strong>{of.name}</strong>
        </Link>
        <State name={of.state} />
        <span className="grow" />
        <span className="muted small">
          {recordsIn > 0 ? rate(recordsIn) : `${short(of.counts.recordsIn)} records so far`}
        </span>
        {origin && (
          <Link
            to="/projects/$project/assets/$"
            params={{ project: of.project, _splat: origin.path }}
            className="small"
          >
            Design<span className="hidden"> {of.name}</span>
          </Link>
        )}
      </div>
      {origin?.description && <p className="muted">{origin.description}</p>}
    </li>
  );
}
