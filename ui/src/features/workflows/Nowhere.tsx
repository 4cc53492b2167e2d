import { Link } from "@tanstack/react-router";
import { plural } from "../../logic/format";
import { Panel } from "../../parts/Page";
import { Ago } from "../../parts/When";
import css from "./graph.module.css";
import type { Wanted } from "./useWorkflow";

/** What is known of a workflow that the cluster wants and no node runs. */
export function Nowhere({ of, at }: { of: Wanted; at: number | undefined }) {
  const [first] = of.reasons ?? [];
  return (
    <>
      <output className={css.sentence} data-tone={of.target > 0 ? "err" : "warn"}>
        No node runs it now: {plural(of.target, "instance")} wanted, {of.placed} placed
        {first && ` – ${first.detail}`}.
      </output>
      {at !== undefined && (
        <p className="muted">
          What is below is as it was seen last, <Ago at={at} />.
        </p>
      )}
      <Panel
        title="What is wanted of it"
        side={
          <Link to="/scheduler" search={{ workflow: of.workflow }}>
            Scheduler
          </Link>
        }
      >
        <ul>
          <li>
            {plural(of.target, "instance")} wanted, {of.placed} placed, {of.missing} missing
          </li>
          {of.reasons?.map((it) => (
            <li key={it.code}>
              {it.detail}{" "}
              {it.nodes > 0 && <span className="muted">on {plural(it.nodes, "node")}</span>}
            </li>
          ))}
        </ul>
        <p>
          <Link to="/nodes">Nodes</Link> says which are there,{" "}
          <Link to="/deployments">Deployments</Link> which of them have it. It goes on as soon as
          one can run it.
        </p>
      </Panel>
    </>
  );
}
