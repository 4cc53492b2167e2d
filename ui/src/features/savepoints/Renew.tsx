import { Checkbox } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import { ProblemView } from "../../parts/Problem";
import { Loading } from "../../parts/Shows";
import { useIntent } from "../../parts/useIntent";
import css from "./savepoints.module.css";

export type Begin = { from: "savepoint"; name: string } | { from: "newest" } | { from: "nothing" };

const TITLES = {
  savepoint: "Restore",
  newest: "Go on from the newest checkpoint",
  nothing: "Begin anew",
};

function command(workflow: string, begin: Begin, allowDropped: boolean): string {
  if (begin.from === "nothing") return sh`weir workflow reset ${workflow}`;
  const from = begin.from === "savepoint" ? begin.name : "--newest";
  return sh`weir workflow restore ${workflow} ${from} ${allowDropped ? ["--allow-dropped"] : []}`;
}

/** Where the next run of a live workflow is to begin: what that means first, then the order. */
export function Renew({
  workflow,
  begin,
  onClose,
}: {
  workflow: string;
  begin: Begin;
  onClose: () => void;
}) {
  const intent = useIntent();
  const [allowDropped, setAllowDropped] = useState(false);
  const send = (dryRun: boolean): Promise<Schemas["Renewal"]> => {
    const path = { name: workflow };
    if (begin.from === "nothing") {
      const body = { dryRun };
      const params = { path, ...intent(body) };
      return answered(api.POST("/api/v1/workflows/{name}/reset", { params, body }));
    }
    const savepoint = begin.from === "savepoint" ? begin.name : undefined;
    const body = { savepoint, newest: begin.from === "newest", allowDropped, dryRun };
    const params = { path, ...intent(body) };
    return answered(api.POST("/api/v1/workflows/{name}/restore", { params, body }));
  };
  const plan = useQuery({
    queryKey: ["renewal plan", workflow, begin, allowDropped],
    queryFn: () => send(true),
    gcTime: 0,
    retry: false,
    placeholderData: (before) => before,
  });
  const { data } = plan;
  const not = !data
    ? "What it means is not known yet"
    : data.working.length > 0
      ? "Lanes are worked on"
      : data.misfits.length > 0 && "It does not fit";
  return (
    <Confirm
      title={`${TITLES[begin.from]}${begin.from === "savepoint" ? ` ${begin.name}` : ""}: ${workflow}`}
      verb={TITLES[begin.from]}
      isDanger
      typed={begin.from === "nothing" ? workflow : undefined}
      not={not}
      cli={command(workflow, begin, allowDropped)}
      onDo={() => send(false)}
      onClose={onClose}
    >
      {plan.isPending && <Loading />}
      {plan.error && (
        <ProblemView problem={problemIn(plan.error)} onRetry={() => void plan.refetch()} />
      )}
      {data && <Plan of={data} />}
      {begin.from !== "nothing" && (
        <Checkbox
          size="xs"
          label="Give up state that no stage takes any more"
          checked={allowDropped}
          onChange={(event) => setAllowDropped(event.currentTarget.checked)}
        />
      )}
    </Confirm>
  );
}

function Plan({ of }: { of: Schemas["Renewal"] }) {
  return (
    <div className={css.plan}>
      {of.working.length > 0 && (
        <p role="status">
          ◆ {of.working.join(", ")}: worked on now. Stop the workflow first: set its target to 0 in
          the{" "}
          <Link to="/scheduler" search={{ workflow: of.workflow }}>
            scheduler
          </Link>
          , and unset it afterwards.
        </p>
      )}
      {of.misfits.map((it) => (
        <p key={it} role="status">
          ▲ {it}
        </p>
      ))}
      <table className={css.lanes}>
        <thead>
          <tr>
            <th scope="col">Lane</th>
            <th scope="col">Stands at</th>
            <th scope="col">Would begin at</th>
          </tr>
        </thead>
        <tbody>
          {of.lanes.map((it) => (
            <tr key={it.lane}>
              <td>{it.lane}</td>
              <td className="mono">{it.stands?.epoch ?? "nothing"}</td>
              <td className="mono">{it.begins?.epoch ?? "nothing"}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {of.lanes.length === 0 && <p className="muted">It has no checkpoint.</p>}
      {of.fresh.length > 0 && <p>Begin with nothing: {of.fresh.join(", ")}.</p>}
      {of.dropped.length > 0 && <p>◆ Is given up: the state of {of.dropped.join(", ")}.</p>}
      {!of.isFitChecked && (
        <p className="muted">
          Whether it fits the workflow as it is deployed is seen when it runs: what does not is
          refused then.
        </p>
      )}
      <p className="muted">
        What was published stays published: what is read again is published again.
      </p>
    </div>
  );
}
