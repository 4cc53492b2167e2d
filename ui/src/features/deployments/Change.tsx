import { useQuery } from "@tanstack/react-query";
import { answered, api, type Intent, type Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { Confirm } from "../../parts/Act";
import { ProblemView } from "../../parts/Problem";
import { Loading } from "../../parts/Shows";
import { useIntent } from "../../parts/useIntent";
import css from "./deployments.module.css";

export type Wanted =
  | { to: "activate"; tag: string }
  | { to: "rollback"; back: string | undefined }
  | { to: "delete"; tag: string };

const TITLES = { activate: "Make default", rollback: "Roll back", delete: "Delete" };

/** Sends it, or asks what it would do. The revision that was seen goes along: another one is refused. */
function send(
  wanted: Wanted,
  dryRun: boolean,
  revision: number | undefined,
  intent: Intent,
): Promise<Schemas["DeploymentChange"]> {
  const header = { ...intent.header, "if-match": dryRun ? undefined : revision };
  const query = { dryRun };
  switch (wanted.to) {
    case "activate":
      return answered(
        api.POST("/api/v1/deployments:activate", {
          params: { query, header },
          body: { tag: wanted.tag },
        }),
      );
    case "rollback":
      return answered(api.POST("/api/v1/deployments:rollback", { params: { query, header } }));
    case "delete":
      return answered(
        api.DELETE("/api/v1/deployments/{tag}", {
          params: { path: { tag: wanted.tag }, query, header },
        }),
      );
  }
}

const command = (wanted: Wanted) =>
  wanted.to === "rollback"
    ? "weir deployment rollback"
    : `weir deployment ${wanted.to} ${wanted.tag}`;

/** What a change would do on each node, before it is made. */
export function Change({
  wanted,
  revision,
  onClose,
}: {
  wanted: Wanted;
  revision: number | undefined;
  onClose: () => void;
}) {
  const intent = useIntent();
  const plan = useQuery({
    queryKey: ["deployment plan", wanted, revision],
    queryFn: () => send(wanted, true, revision, intent("plan")),
    gcTime: 0,
    retry: false,
  });
  const about = wanted.to === "rollback" ? (wanted.back ?? "") : wanted.tag;
  return (
    <Confirm
      title={`${TITLES[wanted.to]} ${about}`}
      verb={TITLES[wanted.to]}
      typed={wanted.to === "delete" ? wanted.tag : undefined}
      isDanger={wanted.to === "delete"}
      not={!plan.data && "What it does is not known yet"}
      cli={command(wanted)}
      onDo={() => send(wanted, false, plan.data?.revision ?? revision, intent("change"))}
      onClose={onClose}
    >
      {plan.isPending && <Loading />}
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
        <p key={it}>{it}</p>
      ))}
      {of.nodes.length === 0 ? (
        <p className="muted">Nothing starts or stops on any node.</p>
      ) : (
        <h3>On {plural(of.nodes.length, "node")}</h3>
      )}
      {of.nodes.map((it) => (
        <div key={it.node}>
          <strong>{it.node}</strong>{" "}
          <span className="mono">
            {it.before} → {it.after}
          </span>
          <ul>
            <Names title="starts" names={it.starts} />
            <Names title="restarts" names={it.restarts} />
            <Names title="stops" names={it.stops} />
            <Names title="stays" names={it.stays} />
          </ul>
        </div>
      ))}
    </div>
  );
}

function Names({ title, names }: { title: string; names: string[] }) {
  return names.length === 0 ? null : (
    <li>
      <span className="muted">{title}</span> {names.join(", ")}
    </li>
  );
}
