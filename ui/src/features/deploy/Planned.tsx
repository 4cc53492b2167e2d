// What a plan changes in the workflows, against what the cluster has of them.
import { Suspense } from "react";
import { Loading } from "../../parts/Shows";
import { Differs, DrawnSides, GraphOrText, useIsGraph } from "../diff/Differs";
import { type Side, sideOf } from "../diff/graphDiff";
import { Changed } from "../editor/Changed";
import { useFileText } from "../history/versions";
import { useAssets } from "../projects/projects";
import { type Deployed, useBuild, useRunningOne, useStored } from "./deploy";
import css from "./deploy.module.css";
import { bareOf, commitThere, moved } from "./planned";

interface PlannedProps {
  project: string;
  /** The plan's operation, whose package is kept. */
  build: string;
  plan: Deployed;
  cluster: string;
}

export function Planned({ project, build, plan, cluster }: PlannedProps) {
  const built = useBuild(project, build).value;
  const names = moved(plan.plan);
  if (!built || names.length === 0) return null;
  return (
    <div className={css.planned}>
      <div className="row">
        <h3>What changes in the workflows</h3>
        <div className="grow" />
        <GraphOrText />
      </div>
      <p className="muted small">
        {built.commit
          ? "Of their texts."
          : "Of their texts as they are now: the project may have changed since the plan."}{" "}
        What they name (assets, scripts, environments) may change, too.
      </p>
      {names.map((it) => (
        <One
          key={it}
          project={project}
          name={it}
          isPlanned={built.workflows.includes(it)}
          commit={built.commit ?? undefined}
          cluster={cluster}
        />
      ))}
    </div>
  );
}

interface OneProps {
  project: string;
  name: string;
  /** It is in the package. */
  isPlanned: boolean;
  commit: string | undefined;
  cluster: string;
}

function One({ project, name, isPlanned, commit, cluster }: OneProps) {
  const assets = useAssets(project).value?.items;
  const stored = useStored(cluster);
  const path = assets?.find((it) => it.kind === "Workflow" && it.name === name)?.path;
  const there = commitThere(stored.value?.items ?? [], project);
  const before = useFileText(project, there && path, there);
  const after = useFileText(project, isPlanned ? path : undefined, commit);
  const running = useRunningOne(cluster, name);
  const isAsked =
    assets && (stored.value || stored.problem) && (before.value || before.problem) && after.value;
  if (after.problem) return <p className="muted">{after.problem.detail}</p>;
  if (!isAsked || !(running.value || running.problem)) return <Loading lines={2} />;
  const { text } = after.value ?? {};
  const isNew = running.problem?.status === 404;
  return (
    <section aria-label={`What changes in ${name}`}>
      <h4>{name}</h4>
      {before.value?.text !== undefined && !isNew ? (
        <Differs
          name={name}
          before={before.value.text}
          after={text}
          text={<Changed before={before.value.text} after={text ?? ""} />}
        />
      ) : running.value || isNew ? (
        <Bare name={name} before={running.value && bareOf(running.value)} after={text} />
      ) : (
        <p className="muted">What the cluster has of it is not known: {running.problem?.detail}</p>
      )}
    </section>
  );
}

/** Where no version tells what the cluster has, it is what its engines tell. */
function Bare(props: { name: string; before: Side | undefined; after: string | undefined }) {
  const { name, before, after } = props;
  const [isGraph] = useIsGraph();
  const side = after === undefined ? undefined : sideOf(after);
  if (side && "problem" in side) return <p className="muted">It is not drawn: {side.problem}</p>;
  // What it has from its parent would look as if it were gone.
  if (before && side?.parent)
    return <p className="muted">It is not drawn: it has stages of {side.parent}, too.</p>;
  return (
    <>
      {before && (
        <p className="muted small">
          The cluster tells of what it runs which stages and connections there are, and not what is
          set in them.
        </p>
      )}
      <Suspense fallback={<Loading />}>
        <DrawnSides name={name} before={before} after={side} isGraph={isGraph} />
      </Suspense>
    </>
  );
}
