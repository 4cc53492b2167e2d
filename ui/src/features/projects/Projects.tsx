import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { plural } from "../../logic/format";
import { Act, CopyCli } from "../../parts/Act";
import { Filter } from "../../parts/Filter";
import { Page, Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { type Column, Table } from "../../parts/Table";
import { Create, Import, Open } from "./Dialogs";
import { Problems } from "./Problems";
import { useProjects } from "./projects";

type Project = Schemas["ProjectSummary"];
const route = getRouteApi("/frame/projects");

const COLUMNS: Column<Project>[] = [
  {
    id: "name",
    title: "Name",
    value: (it) => it.name,
    cell: (it) => (
      <Link to="/projects/$project" params={{ project: it.name }}>
        <strong>{it.name}</strong>
      </Link>
    ),
  },
  {
    id: "problems",
    title: "Problems",
    value: (it) => it.errors * 10_000 + it.warnings,
    cell: (it) =>
      it.beingLookedAt ? (
        <span className="muted">being looked at …</span>
      ) : (
        <Problems errors={it.errors} warnings={it.warnings} />
      ),
  },
  {
    id: "workflows",
    title: "Workflows",
    cell: (it) =>
      it.workflows.join(", ") || <span className="muted">{it.beingLookedAt ? "…" : "–"}</span>,
  },
  {
    id: "description",
    title: "Description",
    cell: (it) => (it.amiss ? <strong>{it.amiss}</strong> : it.description),
  },
  {
    id: "directory",
    title: "Directory",
    value: (it) => it.directory,
    cell: (it) => <span className="mono muted">{it.directory}</span>,
  },
];

/** What is designed here: the projects of this configuration server. */
export function Projects() {
  const standing = useProjects();
  const { filter = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const [asked, setAsked] = useState<"create" | "open" | "import">();
  const [dropped, setDropped] = useState<File[]>([]);
  const close = () => setAsked(undefined);
  const open = (it: Project) =>
    void navigate({ to: "/projects/$project", params: { project: it.name } });
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the button is the first
    <div
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        setDropped([...event.dataTransfer.files]);
        setAsked("import");
      }}
    >
      <Page
        title="Projects"
        actions={
          <>
            <Act
              label="Create …"
              about="a project"
              claim="project:write"
              isMain
              onAct={() => setAsked("create")}
            />
            <Act
              label="Import …"
              about="a project"
              claim="project:write"
              onAct={() => {
                setDropped([]);
                setAsked("import");
              }}
            />
            <Act
              label="Open …"
              about="a project"
              claim="project:write"
              onAct={() => setAsked("open")}
            />
            <CopyCli command="weir project list" />
          </>
        }
      >
        <Panel
          title="Projects of this server"
          flush
          side={
            <Filter
              value={filter}
              onChange={(typed) =>
                void navigate({
                  search: (it) => ({ ...it, filter: typed || undefined }),
                  replace: true,
                })
              }
            />
          }
        >
          <Shows of={standing}>
            {({ items }) => (
              <Table
                name="Projects"
                columns={COLUMNS}
                rows={items.filter((it) => matches(it, filter))}
                keyOf={(it) => it.name}
                onOpen={open}
                sorting={{ by: "name", isDown: false }}
                empty={
                  <Empty
                    what={filter ? "No project is called so" : "There are no projects yet"}
                    why={
                      filter
                        ? `${plural(items.length, "project")} are there under other names.`
                        : "A project holds workflows, and what they read, write and are tested with. Create one, or drop an archive here."
                    }
                    cli="weir project create NAME"
                  />
                }
              />
            )}
          </Shows>
        </Panel>
        {asked === "create" && <Create onClose={close} />}
        {asked === "open" && <Open onClose={close} />}
        {asked === "import" && <Import files={dropped} onClose={close} />}
      </Page>
    </div>
  );
}

const matches = (it: Project, filter: string) =>
  `${it.name} ${it.description ?? ""}`.toLowerCase().includes(filter.toLowerCase());
