import { getRouteApi, Link } from "@tanstack/react-router";
import { nameOf, useSession } from "../../app/session";
import { Page, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Loading } from "../../parts/Shows";
import { Open } from "./Open";
import { useDraft } from "./useDraft";

const route = getRouteApi("/frame/projects/$project/assets/$");

/** An asset as one text, shown in several ways: drawn, as a form, as code. */
export function Editor() {
  const { project, _splat: path = "" } = route.useParams();
  const { me, ended } = useSession();
  // Whose session has ended goes on where they are; what somebody else typed is not for who comes after them.
  const user = ended ?? nameOf(me);
  return <Asset key={`${user}/${project}/${path}`} user={user} project={project} path={path} />;
}

function Asset({ user, project, path }: { user: string; project: string; path: string }) {
  const drafting = useDraft(user, project, path);
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
