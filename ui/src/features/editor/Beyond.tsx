import { Link } from "@tanstack/react-router";
import { useLive } from "../../live";
import css from "./editor.module.css";

interface BeyondProps {
  project: string;
  /** Absent while it has no name. */
  workflow: string | undefined;
  isUnsaved: boolean;
}

/** From a workflow as it is written to where it is brought to a cluster, and to it as it runs there. */
export function Beyond({ project, workflow, isUnsaved }: BeyondProps) {
  const { value } = useLive("workflows");
  const isRunning = value?.items.some((it) => it.project === project && it.name === workflow);
  return (
    <span className={`row ${css.beyond}`}>
      {isRunning && workflow && (
        <Link to="/workflows/$name" params={{ name: workflow }}>
          See it run
        </Link>
      )}
      <Link
        to="/projects/$project"
        params={{ project }}
        search={{ tab: "deploy" }}
        title={isUnsaved ? "What is not saved does not go along" : undefined}
      >
        Deploy …
      </Link>
    </span>
  );
}
