import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { DEFAULT_CLUSTER } from "../../api/place";
import { bytes, plural } from "../../logic/format";
import { Act, CopyCli } from "../../parts/Act";
import { Facts, Panel } from "../../parts/Page";
import { Shows } from "../../parts/Shows";
import { Mark, State } from "../../parts/State";
import { NodePlan, Placing } from "../deployments/Change";
import { Withdraw, withdrawal } from "../deployments/Withdraw";
import { isOver, type Operation, useOperation } from "../operations/operations";
import { Progress, Refused } from "../operations/Progress";
import { type Deployed, kept, useBuild, useKeysOf, useRunning, useStored } from "./deploy";
import css from "./deploy.module.css";
import { ConfirmEnds, EndsOfOthers, EndsUnknown } from "./Ends";
import { endedElsewhere, touched } from "./ended";
import { Planned } from "./Planned";
import { Runs, Stored } from "./There";
import { commandOf, isPlanOf, type Wanted } from "./wanted";

interface OutcomeProps {
  project: string;
  operation: string;
  /** What stands in the form. */
  now: Wanted;
  onDeploy: (of: Wanted) => void;
  onDeployed: (tag: string) => void;
  /** Something that stood in the way is gone. */
  onPlanAgain: () => void;
}

/** What a plan or a deploy came to, or how far it is. */
export function Outcome({ project, operation, now, ...on }: OutcomeProps) {
  const { onDeploy, onDeployed, onPlanAgain } = on;
  const queries = useQueryClient();
  const standing = useOperation(operation, (it) => {
    const done = resultOf(it);
    if (done && !done.dryRun) onDeployed(done.tag);
    for (const key of ["operations", "stored", "running on"]) {
      void queries.invalidateQueries({ queryKey: [key] });
    }
  });
  const of = kept(operation);
  const deployed = resultOf(standing.value);
  const isPlan = deployed?.dryRun ?? false;
  return (
    <Panel
      title={titleOf(standing.value, deployed)}
      side={of && <CopyCli command={commandOf(project, of, isPlan)} />}
    >
      <Shows of={standing}>
        {(it) => (
          <div className={css.outcome}>
            {deployed?.obstacles?.length ? (
              <Mark tone="warn">Something stands in the way of making it the default</Mark>
            ) : null}
            <Progress of={it} />
            {it.problem && <Refused project={project} problem={it.problem} />}
            <Stays of={it} wanted={of} />
            {deployed && <Came of={deployed} cluster={of?.cluster ?? DEFAULT_CLUSTER} />}
            {deployed && !deployed.dryRun && deployed.activated && (
              <Runs project={project} of={deployed} at={of?.cluster ?? DEFAULT_CLUSTER} />
            )}
            {deployed?.dryRun && (
              <>
                <Planned
                  project={project}
                  build={operation}
                  plan={deployed}
                  cluster={of?.cluster ?? DEFAULT_CLUSTER}
                />
                <Obstacles
                  of={deployed}
                  cluster={of?.cluster ?? DEFAULT_CLUSTER}
                  onGone={onPlanAgain}
                />
                <Secrets
                  project={project}
                  build={operation}
                  cluster={of?.cluster ?? DEFAULT_CLUSTER}
                />
                <Go of={of} now={now} plan={deployed} project={project} onDeploy={onDeploy} />
              </>
            )}
          </div>
        )}
      </Shows>
    </Panel>
  );
}

interface GoProps {
  of: Wanted | undefined;
  now: Wanted;
  plan: Deployed;
  project: string;
  onDeploy: (of: Wanted) => void;
}

/** The last step. Where it ends the work of others, it is asked for twice. */
function Go({ of, now, plan, project, onDeploy }: GoProps) {
  const [isAsking, setAsking] = useState(false);
  const running = useRunning(of?.cluster ?? DEFAULT_CLUSTER);
  const ended = now.isActivated
    ? endedElsewhere(plan.plan, running.value?.items ?? [], project)
    : [];
  // Nothing is ended because it was not looked whose it is.
  const names = now.isActivated && !running.value ? touched(plan.plan) : [];
  const isOpen = names.length > 0 && !running.problem;
  const isAsked = ended.length > 0 || names.length > 0;
  const not = why(of, now, plan) ?? (isOpen ? "It is being looked whose work ends" : undefined);
  return (
    <>
      {ended.length > 0 && <EndsOfOthers of={ended} />}
      {names.length > 0 && running.problem && (
        <EndsUnknown of={names} why={running.problem.detail} />
      )}
      <div className={`row ${css.go}`}>
        <span className="muted small">{not ?? meant(now)}</span>
        <div className="grow" />
        <Act
          label={now.isActivated ? "Deploy and make it the default" : "Store"}
          claim="deployment:write"
          isMain={!isAsked}
          isDanger={isAsked}
          not={not}
          onAct={() => (isAsked ? setAsking(true) : of && onDeploy(of))}
        />
      </div>
      {isAsking && (
        <ConfirmEnds
          typed={ended.map((it) => it.project).join(" ") || plan.tag}
          tag={plan.tag}
          onDo={() => of && onDeploy(of)}
          onClose={() => setAsking(false)}
        >
          {ended.length > 0 ? (
            <EndsOfOthers of={ended} />
          ) : (
            <EndsUnknown of={names} why={running.problem?.detail} />
          )}
        </ConfirmEnds>
      )}
    </>
  );
}

function titleOf(it: Operation | undefined, deployed: Deployed | undefined): string {
  if (deployed) return `${deployed.dryRun ? "Plan of" : "Deployed"} ${deployed.tag}`;
  return it && isOver(it) ? "It did not go through" : "On its way";
}

function why(of: Wanted | undefined, now: Wanted, plan: Deployed): string | undefined {
  if (!of) return "It was planned elsewhere: plan again to deploy it";
  if (!isPlanOf(of, now)) return "Something else is wanted by now: plan again";
  const isRefused = now.isActivated && (plan.obstacles?.length ?? 0) > 0;
  return isRefused ? "The cluster would not make it the default; it can be stored" : undefined;
}

const meant = (now: Wanted) =>
  now.isActivated
    ? "What was planned is deployed, whatever changes in the project meanwhile."
    : "It is stored, and nothing runs.";

const resultOf = (it: Operation | undefined) =>
  it?.state === "succeeded" ? (it.result as Deployed | undefined) : undefined;

function Came({ of, cluster }: { of: Deployed; cluster: string }) {
  const differs = of.plan.filter((it) => it.before !== it.after);
  return (
    <>
      <Facts
        of={[
          [
            "Tag",
            of.dryRun ? <code key="t">{of.tag}</code> : <Stored key="t" of={of} at={cluster} />,
          ],
          ["Cluster", cluster],
          ["Based on", <code key="b">{of.base}</code>],
          [
            of.dryRun ? "To be sent" : "Sent",
            `${plural(of.sent.objects, "object")} of ${of.total.objects}, ${bytes(of.sent.bytes)}`,
          ],
          ["Default", !of.dryRun && (of.activated ? "yes" : "no: nothing runs of it")],
          ["Digest", <code key="d">{of.digest.slice(0, 16)}…</code>],
        ]}
      />
      <div>
        <h3>
          {of.dryRun ? "Once it is the default" : "What was foreseen"}
          {differs.length > 0 && `, on ${plural(differs.length, "node")}`}
        </h3>
        {of.plan.length === 0 && (
          <p className="muted">Nothing starts or stops: no node follows the default.</p>
        )}
        {of.plan.length > 0 && <Placing />}
        {of.plan.map((it) => (
          <NodePlan key={it.node} of={it} />
        ))}
      </div>
      {of.nodes && of.nodes.length > 0 && (
        <div>
          <h3>Nodes</h3>
          <ul className={css.secrets} aria-label="Nodes">
            {of.nodes.map((it) => (
              <li key={it.node}>
                <strong>{it.node}</strong>
                <State name={it.state} />
                <code>{it.current ?? "–"}</code>
                {it.failure && <span className="muted">{it.failure.cause.message}</span>}
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

interface ObstaclesProps {
  of: Deployed;
  cluster: string;
  onGone: () => void;
}

/** Why the cluster would not make it the default, and what is to be done about it. */
function Obstacles({ of, cluster, onGone }: ObstaclesProps) {
  const [leaving, setLeaving] = useState<string>();
  const applied = useStored(cluster).value?.applied ?? [];
  if (!of.obstacles?.length) return null;
  return (
    <>
      <ul className={css.obstacles} aria-label="What stands in the way">
        {of.obstacles.map((it) => {
          const owner = applied.find(({ project }) => it.hint === withdrawal(project))?.project;
          return (
            <li key={it.detail}>
              <p>{it.detail}</p>
              <div className="row">
                <p className="muted grow">{it.hint}</p>
                {owner && (
                  <Act
                    label="Withdraw …"
                    about={owner}
                    claim="deployment:write"
                    isDanger
                    onAct={() => setLeaving(owner)}
                  />
                )}
              </div>
            </li>
          );
        })}
      </ul>
      {leaving && (
        <Withdraw
          project={leaving}
          cluster={cluster}
          then="It is planned again at once; they run again once what is planned is deployed."
          onDone={onGone}
          onClose={() => setLeaving(undefined)}
        />
      )}
    </>
  );
}

/** What one that ended early has left on the cluster. */
function Stays({ of, wanted }: { of: Operation; wanted: Wanted | undefined }) {
  const isDone = (name: string) => of.steps.some((it) => it.name === name && it.state === "done");
  if (!isOver(of) || of.state === "succeeded" || !isDone("send") || !wanted?.tag) return null;
  return (
    <p>
      <Stored of={wanted} at={wanted.cluster} /> is stored there all the same
      {isDone("activate") ? ", and is the default." : ", and nothing runs of it."}
    </p>
  );
}

/** Whether the cluster can open what is sealed in the package. */
function Secrets(props: { project: string; build: string; cluster: string }) {
  const build = useBuild(props.project, props.build).value;
  const keys = useKeysOf(props.cluster);
  if (!build || build.secrets.length === 0) return null;
  const own = new Map(keys.value?.items.map((it) => [it.fingerprint, it.alias]));
  return (
    <div>
      <h3>Secrets</h3>
      <ul className={css.secrets} aria-label="Secrets">
        {build.secrets.map((it) => {
          const opened = it.keys.flatMap((key) => own.get(key) ?? []);
          return (
            <li key={it.name}>
              <code>{it.name}</code>
              {keys.value === undefined && (
                <span className="muted">sealed to {plural(it.keys.length, "key")}</span>
              )}
              {keys.value &&
                (opened.length > 0 ? (
                  <span className="muted">opened by {opened.join(", ")}</span>
                ) : (
                  <Mark tone="err">no key of the cluster opens it</Mark>
                ))}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
