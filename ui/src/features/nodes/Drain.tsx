// A node is emptied, or may be used again: what the scheduler would do, instance by instance, before it is done.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answered, api, type Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { useLive } from "../../live";
import { plural } from "../../logic/format";
import type { Node } from "../../logic/nodes";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import { ProblemView } from "../../parts/Problem";
import { Loading } from "../../parts/Shows";
import { useIntent } from "../../parts/useIntent";
import { byFate, type Move, sentence } from "./drain";
import css from "./nodes.module.css";

type Verb = "drain" | "undrain";

interface DrainProps {
  node: Node;
  verb: Verb;
  onClose: () => void;
}

const send = (
  name: string,
  verb: Verb,
  dryRun: boolean,
  intent: { header?: { "idempotency-key": string } },
): Promise<Schemas["Drain"]> => {
  const params = { path: { name }, query: { dryRun }, ...intent };
  return answered(
    verb === "drain"
      ? api.POST("/api/v1/nodes/{name}/drain", { params })
      : api.POST("/api/v1/nodes/{name}/undrain", { params }),
  );
};

export function Drain({ node, verb, onClose }: DrainProps) {
  const intent = useIntent();
  // A plan holds for the schedule that it was made of: as that goes on, it is made anew.
  const { at } = useLive("schedule");
  const plan = useQuery({
    queryKey: ["drain", node.name, verb, at],
    queryFn: () => send(node.name, verb, true, {}),
    gcTime: 0,
    retry: false,
    placeholderData: (before) => before,
  });
  const moves = plan.data?.moves ?? [];
  const isStuck = verb === "drain" && moves.some((it) => it.to === null);
  const title = verb === "drain" ? "Drain" : "Undrain";
  return (
    <Confirm
      title={`${title} ${node.name}`}
      verb={title}
      cli={sh`weir node ${verb} ${node.name}`}
      typed={isStuck ? node.name : undefined}
      isDanger={isStuck}
      not={(!plan.data || plan.isPlaceholderData) && "What it does is not known"}
      onDo={() => send(node.name, verb, false, intent(verb))}
      onClose={onClose}
    >
      {plan.isPending && <Loading lines={4} />}
      {plan.error && (
        <ProblemView problem={problemIn(plan.error)} onRetry={() => void plan.refetch()} />
      )}
      {plan.data && (
        <>
          <p role="status">{sentence(verb, moves)}</p>
          <Moves all={moves} />
        </>
      )}
      <p>
        {verb === "drain"
          ? "Nothing new is put there until it is undrained. Open streams have some time to end, 30 s if nothing else is configured: those that never end take a last checkpoint, and go on from it elsewhere. What is not done by then is rolled back, and done again elsewhere."
          : "It may be given instances again. Nothing that works is moved to it."}
      </p>
    </Confirm>
  );
}

/** What has no place first: that is what one has to decide. */
function Moves({ all }: { all: readonly Move[] }) {
  if (all.length === 0) return null;
  return (
    <div className={css.moves}>
      <table>
        <thead>
          <tr>
            <th scope="col">Instance</th>
            <th scope="col">Goes to</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {byFate(all).map((it) => (
            <tr
              key={`${it.workflow} ${it.number} ${it.to}`}
              data-tone={it.to === null ? "err" : undefined}
            >
              <th scope="row">
                {it.workflow} #{it.number}
              </th>
              <td>
                {it.to === null ? (
                  <strong className={css.nowhere}>▲ nowhere</strong>
                ) : (
                  <Link to="/nodes/$name" params={{ name: it.to ?? "" }}>
                    {it.to}
                  </Link>
                )}
                {typeof it.becomes === "number" && it.becomes !== it.number && (
                  <span className="muted"> as #{it.becomes}</span>
                )}
              </td>
              <td className="muted">{it.why}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="muted small">{plural(all.length, "instance")} by the scheduler’s plan</p>
    </div>
  );
}
