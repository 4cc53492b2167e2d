import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { Confirm } from "../../parts/Act";
import { ProblemView } from "../../parts/Problem";
import { Loading } from "../../parts/Shows";
import { useIntent } from "../../parts/useIntent";
import css from "./deployments.module.css";
import { asPlan, command, send, titleOf, VERBS, type Wanted } from "./wanted";

const DANGERS = new Set<Wanted["to"]>(["delete", "end"]);

/** What a change would do on each node, before it is made. `children` are fields that say what is wanted. */
export function Change({
  wanted,
  to = "assignNode",
  revision,
  title,
  children,
  onClose,
}: {
  /** Absent: the fields don't say it yet. */
  wanted: Wanted | undefined;
  /** What it is about while the fields don't say it. */
  to?: Wanted["to"];
  revision: number | undefined;
  title?: string;
  children?: ReactNode;
  onClose: () => void;
}) {
  const intent = useIntent();
  const plan = useQuery({
    queryKey: ["deployment plan", wanted, revision],
    queryFn: () => {
      if (!wanted) throw new Error("nothing is wanted yet");
      return send(wanted, true, revision, intent(["plan", wanted]));
    },
    enabled: wanted !== undefined,
    gcTime: 0,
    retry: false,
  });
  return (
    <Confirm
      title={title ?? (wanted ? titleOf(wanted) : "")}
      verb={VERBS[wanted?.to ?? to]}
      typed={wanted?.to === "delete" ? wanted.tag : undefined}
      isDanger={wanted && DANGERS.has(wanted.to)}
      not={!plan.data && "What it does is not known yet"}
      cli={wanted && command(wanted)}
      onDo={async () => {
        if (wanted) await send(wanted, false, plan.data?.revision ?? revision, intent(wanted));
      }}
      onStale={() => void plan.refetch()}
      onClose={onClose}
    >
      {children}
      {plan.isLoading && <Loading />}
      {plan.error && (
        <ProblemView problem={problemIn(plan.error)} onRetry={() => void plan.refetch()} />
      )}
      {plan.data && <Plan of={plan.data} />}
    </Confirm>
  );
}

export function Plan({ of }: { of: Schemas["DeploymentChange"] }) {
  return (
    <div className={css.plan}>
      {of.changes.map((it) => (
        <p key={it}>{of.dryRun ? asPlan(it) : it}</p>
      ))}
      {of.nodes.length === 0 ? (
        <p className="muted">Nothing starts or stops on any node.</p>
      ) : (
        <>
          <h3>On {plural(of.nodes.length, "node")}</h3>
          <Placing />
        </>
      )}
      {of.nodes.map((it) => (
        <NodePlan key={it.node} of={it} why={it.why.text} />
      ))}
    </div>
  );
}

/** A node that may run a workflow need not be given an instance of it. */
export const Placing = () => (
  <p className="muted small">
    Which workflows each node has. Which of them get how many instances there, the scheduler
    decides.
  </p>
);

/** What starts and stops on a node. */
export function NodePlan({ of, why }: { of: Schemas["DeployNodePlan"]; why?: string }) {
  return (
    <div className={css.planned}>
      <p>
        <strong>{of.node}</strong>{" "}
        <span className="mono">
          {of.before} → {of.after}
        </span>{" "}
        {why && <span className="muted small">{why}</span>}
      </p>
      <ul>
        <Names sign="+" tone="ok" title="starts" names={of.starts} />
        <Names sign="↻" tone="warn" title="restarts" names={of.restarts} />
        <Names sign="−" tone="err" title="stops" names={of.stops} />
        <Names sign="=" tone="idle" title="stays" names={of.stays} />
      </ul>
    </div>
  );
}

function Names(props: { sign: string; tone: string; title: string; names: string[] }) {
  return props.names.length === 0 ? null : (
    <li data-tone={props.tone}>
      <span aria-hidden="true">{props.sign}</span> <span className="muted">{props.title}</span>{" "}
      {props.names.join(", ")}
    </li>
  );
}
