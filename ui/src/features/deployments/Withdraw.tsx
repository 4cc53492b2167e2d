// Withdrawing what was applied from a directory: the way from there to packages. As long as a project is applied,
// no package that has workflows of the same names can be made the default.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type Intent, intents } from "../../api/client";
import { DEFAULT_CLUSTER, place } from "../../api/place";
import { problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Confirm, CopyCli } from "../../parts/Act";
import { ProblemView } from "../../parts/Problem";
import { Loading } from "../../parts/Shows";
import { useIntent } from "../../parts/useIntent";
import { sent } from "../projects/projects";
import css from "./deployments.module.css";

/** What the server said was applied, and would be, or is, withdrawn. */
interface Withdrawn {
  project: string;
  workflows: string[];
}

/** A server that has no such path is of an older version. */
const UNKNOWN_PATH = "WEIR-07002";

export const withdrawal = (project: string) => sh`weir deployment withdraw ${project}`;

async function withdrawn(
  cluster: string,
  project: string,
  dryRun: boolean,
  { header }: Intent,
): Promise<Withdrawn> {
  const at = `/api/v1/clusters/${encodeURIComponent(cluster)}/deployments:withdraw`;
  const answer = await sent(`${at}?dryRun=${dryRun}`, {
    method: "POST",
    headers: { ...header, "content-type": "application/json" },
    body: JSON.stringify({ project }),
  });
  return answer.json();
}

interface WithdrawProps {
  project: string;
  /** Absent: the cluster that the page is about. */
  cluster?: string;
  /** What comes next, where something does. */
  then?: string;
  onDone?: () => void;
  onClose: () => void;
}

/** Asks before a project that was applied is withdrawn, with what ends by it. */
export function Withdraw({ project, then, onDone, onClose, ...of }: WithdrawProps) {
  const cluster = of.cluster ?? place.cluster ?? DEFAULT_CLUSTER;
  const queries = useQueryClient();
  const intent = useIntent();
  const plan = useQuery({
    queryKey: ["withdrawal", cluster, project],
    queryFn: () => withdrawn(cluster, project, true, intents()()),
    gcTime: 0,
    retry: false,
  });
  const problem = plan.error && problemIn(plan.error);
  const command = withdrawal(project);
  return (
    <Confirm
      title={`Withdraw ${project}`}
      verb="Withdraw"
      isDanger
      cli={command}
      not={!plan.data && "What it does is not known yet"}
      onDo={async () => {
        await withdrawn(cluster, project, false, intent(["withdraw", cluster, project]));
        await queries.invalidateQueries({ queryKey: ["stored"] });
        onDone?.();
      }}
      onClose={onClose}
    >
      {plan.isLoading && <Loading />}
      {problem &&
        (problem.code === UNKNOWN_PATH ? (
          <ByCommand command={command} />
        ) : (
          <ProblemView problem={problem} />
        ))}
      {plan.data && (
        <div className={css.plan}>
          <p>
            <strong>{project}</strong> was applied from a directory. Withdrawing it ends{" "}
            {plural(plan.data.workflows.length, "workflow")} on every node:
          </p>
          <div className={css.planned}>
            <ul aria-label="What ends">
              {plan.data.workflows.map((it) => (
                <li key={it} data-tone="err">
                  <span aria-hidden="true">−</span> <span className="muted">stops</span> {it}
                </li>
              ))}
            </ul>
          </div>
          <p className="muted">
            {then ?? "They run again once a deployment that has them is made the default."} The
            directory, and the project here, stay as they are.
          </p>
        </div>
      )}
    </Confirm>
  );
}

/** For a cluster whose version has no such route: the command asks its management server. */
function ByCommand({ command }: { command: string }) {
  return (
    <div className={css.plan} role="alert">
      <p>
        The engines of this cluster can’t be asked for it from here. Run this where their management
        server is reached, then plan again:
      </p>
      <p className="row">
        <code>{command}</code> <CopyCli command={command} />
      </p>
    </div>
  );
}
