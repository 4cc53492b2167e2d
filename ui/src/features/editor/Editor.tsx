import { getRouteApi, Link } from "@tanstack/react-router";
import { Page, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Loading } from "../../parts/Shows";
import { Open } from "./Open";
import { useDraft } from "./useDraft";

const route = getRouteApi("/frame/projects/$project/assets/$");

/** An asset as one text, shown in several ways: drawn, as a form, as code. */
export function Editor() {
  const { project, _splat: path = "" } = route.useParams();
  return <Asset key={`${project}/${path}`} project={project} path={path} />;
}

function Asset({ project, path }: { project: string; path: string }) {
  const drafting = useDraft(project, path);
  if (drafting.draft) return <Open project={project} path={path} drafting={drafting} />;
  return (
    <Page title={path}>
      {drafting.problem ? (
        <>
          <ProblemView problem={drafting.problem} />
          <p>
            <Link to="/projects/$project" params={{ project }}>
              To all assets of {project}
            </Link>
          </p>
        </>
      ) : (
        <Panel title={path}>
          <Loading lines={8} />
        </Panel>
      )}
    </Page>
  );
}
