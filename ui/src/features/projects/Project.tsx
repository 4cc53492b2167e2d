import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Suspense, useState } from "react";
import type { Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { nameOf, useSession } from "../../app/session";
import { sh } from "../../logic/shell";
import { Act, CopyCli } from "../../parts/Act";
import { Filter } from "../../parts/Filter";
import { lazy } from "../../parts/lazy";
import { Page, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Empty, Loading, Shows } from "../../parts/Shows";
import { Tabs } from "../../parts/Tabs";
import { unsaved } from "../editor/draft";
import { parsed, valueAt } from "../editor/text";
import { AssetDetail } from "./AssetDetail";
import { Remove, Rename } from "./Dialogs";
import { Findings } from "./Findings";
import { NewAsset } from "./NewAsset";
import { Problems } from "./Problems";
import { assetOf, exported, useAssets, useFindings, useProject } from "./projects";
import css from "./projects.module.css";
import { branches, Tree } from "./Tree";

const route = getRouteApi("/frame/projects/$project");
const Environments = lazy(() =>
  import("./Environments").then((it) => ({ default: it.Environments })),
);
const Deploy = lazy(() => import("../deploy/Deploy").then((it) => ({ default: it.Deploy })));
const History = lazy(() => import("../history/History").then((it) => ({ default: it.History })));
const Tests = lazy(() => import("../tests/Tests").then((it) => ({ default: it.Tests })));
/** The asset that says what the project is. */
const PROJECT = "project.yaml";
const TABS = [
  ["assets", "Assets"],
  ["problems", "Problems"],
  ["environments", "Environments and secrets"],
  ["tests", "Tests"],
  ["history", "History"],
  ["deploy", "Deploy"],
] as const;
const LAZY: Record<string, typeof Environments> = {
  environments: Environments,
  deploy: Deploy,
  history: History,
  tests: Tests,
};

export function Project() {
  const { project } = route.useParams();
  const { tab = "assets" } = route.useSearch();
  const standing = useProject(project);
  const Part = LAZY[tab];
  return (
    <Page
      title={project}
      mark={
        standing.value && (
          <Problems errors={standing.value.errors} warnings={standing.value.warnings} />
        )
      }
      actions={<Actions project={project} summary={standing.value} />}
    >
      <Shows of={standing}>
        {({ description, directory }) => (
          <>
            <p className="muted">
              <Description project={project} summary={description} />
              <span className="mono">{directory}</span>
            </p>
            <Tabs all={TABS} at={tab} />
            {tab === "assets" && <Assets />}
            {tab === "problems" && <AllFindings project={project} directory={directory} />}
            {OF_SAVED.has(tab) && <Unsaved project={project} />}
            {Part && (
              <Suspense fallback={<Loading />}>
                <Part project={project} />
              </Suspense>
            )}
          </>
        )}
      </Shows>
    </Page>
  );
}

/** While the project can't be read as a whole, what its own asset says. */
function Description({ project, summary }: { project: string; summary?: string | null }) {
  const asked = useQuery({
    queryKey: ["asset", project, PROJECT],
    queryFn: () => assetOf(project, PROJECT),
    enabled: !summary,
  });
  const own = valueAt(parsed(asked.data?.text ?? "").value, ["metadata", "description"]);
  const said = summary || (typeof own === "string" ? own : "");
  return said ? `${said} · ` : null;
}

/** What looks at the texts that the server has. */
const OF_SAVED = new Set(["problems", "tests", "history", "deploy"]);

/** Says which texts of this tab are not among them. */
function Unsaved({ project }: { project: string }) {
  const { me } = useSession();
  const paths = [...unsaved(nameOf(me), project)].sort();
  if (paths.length === 0) return null;
  return (
    <p className={css.notice}>
      ● Not saved yet, and not part of what is here:{" "}
      {paths.map((path, at) => (
        <span key={path}>
          {at > 0 && ", "}
          <Link to="/projects/$project/assets/$" params={{ project, _splat: path }}>
            {path}
          </Link>
        </span>
      ))}
    </p>
  );
}

function Actions({
  project,
  summary,
}: {
  project: string;
  summary: Schemas["ProjectSummary"] | undefined;
}) {
  const [asked, setAsked] = useState<"rename" | "remove">();
  const [error, setError] = useState<unknown>();
  const close = () => setAsked(undefined);
  return (
    <>
      {error !== undefined && <ProblemView problem={problemIn(error)} />}
      <Act
        label="Export"
        claim="project:read"
        onAct={() => void exported(project).then(() => setError(undefined), setError)}
      />
      <Act
        label="Rename …"
        about="the project"
        claim="project:write"
        not={!summary && "It is not known"}
        onAct={() => setAsked("rename")}
      />
      <Act
        label="Remove …"
        about="the project"
        claim="project:write"
        isDanger
        not={!summary && "It is not known"}
        onAct={() => setAsked("remove")}
      />
      <CopyCli command={sh`weir project assets ${project}`} />
      {summary && asked === "rename" && <Rename project={summary} onClose={close} />}
      {summary && asked === "remove" && <Remove project={summary} onClose={close} />}
    </>
  );
}

function Assets() {
  const { project } = route.useParams();
  const { filter = "", asset: chosen } = route.useSearch();
  const navigate = route.useNavigate();
  const standing = useAssets(project);
  const findings = useFindings(project).value?.findings ?? [];
  const { me } = useSession();
  const [isAdding, setAdding] = useState(false);
  const choose = (asset: string) =>
    void navigate({ search: (it) => ({ ...it, asset }), replace: true });
  const open = (asset: string) =>
    void navigate({ to: "/projects/$project/assets/$", params: { project, _splat: asset } });
  const found = standing.value?.items.find((it) => it.path === chosen);
  return (
    <div className={css.halves}>
      <Panel
        title="Assets"
        flush
        side={
          <div className="row">
            <Filter
              value={filter}
              onChange={(it) =>
                void navigate({
                  search: (all) => ({ ...all, filter: it || undefined }),
                  replace: true,
                })
              }
            />
            <Act
              label="New …"
              about="asset"
              claim="project:write"
              isMain
              onAct={() => setAdding(true)}
            />
          </div>
        }
      >
        <Shows of={standing}>
          {({ items }) => (
            <>
              <Tree
                assets={items}
                findings={findings}
                filter={filter}
                chosen={chosen}
                unsaved={unsaved(nameOf(me), project)}
                onChoose={choose}
                onOpen={open}
              />
              {branches(items, filter).length === 0 && (
                <Empty
                  what="No asset is called so"
                  why="Names, kinds, paths and descriptions are looked at."
                />
              )}
              {!filter && items.every((it) => it.kind === "Project") && (
                <Empty
                  what="There is nothing in it yet"
                  why="Begin with a workflow: it may have its source and its sink written in their place."
                  cli={sh`weir project put ${project} workflows/first.yaml FILE`}
                />
              )}
            </>
          )}
        </Shows>
      </Panel>
      {found ? (
        <AssetDetail key={found.path} project={project} asset={found} findings={findings} />
      ) : (
        <Panel title="Asset">
          <p className="muted">
            Choose one to see what it is and where it is used; <kbd>Enter</kbd> or a double click
            opens it.
          </p>
        </Panel>
      )}
      {isAdding && (
        <NewAsset
          project={project}
          assets={standing.value?.items ?? []}
          onClose={() => setAdding(false)}
        />
      )}
    </div>
  );
}

function AllFindings({ project, directory }: { project: string; directory: string }) {
  const standing = useFindings(project);
  return (
    <Panel
      title="Problems"
      side={<CopyCli command={sh`weir project validate ${directory}`} />}
      flush
    >
      <Shows of={standing}>
        {({ findings }) => (
          <Findings
            all={findings}
            about={(it) => (
              <Link
                to="/projects/$project/assets/$"
                params={{ project, _splat: it.file }}
                search={{ tab: "code", line: it.line > 0 ? String(it.line) : undefined }}
              >
                {it.file}
                {it.line > 0 && `:${it.line}`}
              </Link>
            )}
          />
        )}
      </Shows>
    </Panel>
  );
}
