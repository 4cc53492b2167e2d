import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { history } from "../../live";
import { rates } from "../../live/history";
import { plural, rate, short } from "../../logic/format";
import { useNow } from "../../logic/now";
import { Empty } from "../../parts/Shows";
import { State } from "../../parts/State";
import { useOrigin } from "../projects/origin";
import css from "./overview.module.css";

/** How many have room; all of them have a view of their own. */
const MOST = 6;

/** The workflows that run, each with what it is for. */
export function Running({ all }: { all: readonly Schemas["WorkflowSummary"][] }) {
  if (all.length === 0)
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
  const { recordsIn } = rates(history.of(of.name), now);
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
