// From a project to what a cluster runs: what is wanted, what would come of it, and how far it is.
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { DEFAULT_CLUSTER, place } from "../../api/place";
import { type Problem, problemIn } from "../../api/problem";
import { Act, CopyCli } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Shows } from "../../parts/Shows";
import { useIntent } from "../../parts/useIntent";
import { useStatus } from "../history/versions";
import { useAssets } from "../projects/projects";
import { begun, keep, kept } from "./deploy";
import css from "./deploy.module.css";
import { Form } from "./Form";
import { Outcome } from "./Outcome";
import { Recent } from "./Recent";
import { commandOf, deployOf, NOTHING, planOf, type Wanted } from "./wanted";

const route = getRouteApi("/frame/projects/$project");

export function Deploy({ project }: { project: string }) {
  const { operation } = route.useSearch();
  const navigate = route.useNavigate();
  const status = useStatus(project).value;
  const assets = useAssets(project);
  const [wanted, setWanted] = useState<Wanted>(
    () => kept(operation) ?? { ...NOTHING, cluster: place.cluster ?? DEFAULT_CLUSTER },
  );
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const intent = useIntent();
  // What stands in no version is not of one.
  const isClean = status?.isVersioned && status.files.length === 0;
  const asked = { ...wanted, commit: (isClean && status.head) || undefined };
  const begin = async (body: ReturnType<typeof planOf>, of: Wanted) => {
    setBusy(true);
    setProblem(undefined);
    try {
      const { id } = await begun(project, body, intent([body, attempt]));
      keep(id, of);
      setAttempt(attempt + 1);
      await navigate({ search: (it) => ({ ...it, operation: id }) });
    } catch (error) {
      setProblem(problemIn(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className={css.halves}>
      <Panel
        title="Deploy"
        side={
          <div className="row">
            <Act
              label="Plan"
              about={project}
              claim="deployment:write"
              isMain
              not={isBusy && "It has just been asked for"}
              onAct={() => void begin(planOf(asked), asked)}
            />
            <CopyCli command={commandOf(project, asked, true)} />
          </div>
        }
      >
        <Shows of={assets}>
          {({ items }) => (
            <Form
              project={project}
              assets={items}
              status={status}
              wanted={wanted}
              onChange={setWanted}
            />
          )}
        </Shows>
      </Panel>
      <div className={css.side}>
        {problem && <ProblemView problem={problem} />}
        {operation && (
          <Outcome
            key={operation}
            project={project}
            operation={operation}
            now={asked}
            // A tag is used once: the next one is another.
            onDeployed={(tag) => setWanted((it) => (it.tag === tag ? { ...it, tag: "" } : it))}
            onPlanAgain={() => void begin(planOf(asked), asked)}
            onDeploy={(of) => void begin(deployOf({ ...of, ...after(wanted) }, operation), of)}
          />
        )}
        <Recent project={project} />
      </div>
    </div>
  );
}

/** What is decided after the plan, and no part of it. */
const after = ({ isActivated, wait }: Wanted) => ({ isActivated, wait });
