// Versions of a project: what was committed, what changed since, and how any two of them differ.
import { Button, SegmentedControl, Select } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { answered, api } from "../../api/client";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Act, Confirm, CopyCli } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { Ago } from "../../parts/When";
import { Branches } from "./Branches";
import { Commit } from "./Commit";
import { type By, DiffView } from "./DiffView";
import css from "./history.module.css";
import { Remotes } from "./Remotes";
import {
  renewAll,
  type Status,
  short,
  titleOf,
  useBranches,
  useDiff,
  useStatus,
  useVersions,
  type Version,
} from "./versions";

const route = getRouteApi("/frame/projects/$project");

export function History({ project }: { project: string }) {
  return (
    <Shows of={useStatus(project)}>
      {(status) =>
        status.isVersioned ? <Versioned status={status} /> : <Unversioned project={project} />
      }
    </Shows>
  );
}

function Unversioned({ project }: { project: string }) {
  const [isAsked, setAsked] = useState(false);
  const queries = useQueryClient();
  const cli = sh`weir project init ${project}`;
  return (
    <Panel title="History">
      <Empty
        what="The project has no versions"
        why="It becomes a Git repository in its directory: who changed what and when, branches, and a way back. All else works without."
        cli={cli}
        action={
          <Act label="Keep versions …" claim="project:write" isMain onAct={() => setAsked(true)} />
        }
      />
      {isAsked && (
        <Confirm
          title={`Keep versions of ${project}`}
          verb="Keep versions"
          cli={cli}
          onDo={async () => {
            const params = { path: { project } };
            await answered(api.POST("/api/v1/projects/{project}/versions:init", { params }));
            await renewAll(queries);
          }}
          onClose={() => setAsked(false)}
        >
          <p>
            The project’s directory becomes a Git repository with a branch <code>main</code>.
            Nothing is committed yet, and no file is changed.
          </p>
        </Confirm>
      )}
    </Panel>
  );
}

function Versioned({ status }: { status: Status }) {
  const { project } = status;
  const { version } = route.useSearch();
  const versions = useVersions(project);
  const found = versions.value?.find((it) => it.id === version);
  return (
    <div className={css.halves}>
      <div className={css.side}>
        <Panel
          title={status.branch ? `Versions of ${status.branch}` : "Versions"}
          side={<CopyCli command={sh`weir project history ${project}`} />}
          flush
        >
          <Shows of={versions}>
            {(items) => (
              <ul className={css.versions} aria-label="Versions">
                <Row title="Files as they are now" id={undefined} isChosen={!version}>
                  <span className="muted small">
                    {status.files.length === 0
                      ? "nothing changed"
                      : `${plural(status.files.length, "file")} changed`}
                  </span>
                </Row>
                {items.map((it) => (
                  <Row key={it.id} title={titleOf(it)} id={it.id} isChosen={it.id === version}>
                    <span className="muted small">
                      <span className="mono">{short(it.id)}</span> · {it.author.name} ·{" "}
                      <Ago at={it.at} />
                      {it.parents.length > 1 && " · merged"}
                    </span>
                  </Row>
                ))}
                {versions.hasNextPage && <Older of={versions} />}
              </ul>
            )}
          </Shows>
        </Panel>
        <Branches status={status} />
        <Remotes project={project} />
      </div>
      {version ? (
        <Committed key={version} project={project} id={version} version={found} />
      ) : (
        <Now status={status} />
      )}
    </div>
  );
}

/** Where the list ends for now: who comes there has the next page. */
function Older({ of }: { of: ReturnType<typeof useVersions> }) {
  const { fetchNextPage, isFetching, problem } = of;
  const place = useRef<HTMLLIElement>(null);
  useEffect(() => {
    const target = place.current;
    // One that was refused is asked for again by a press alone.
    if (!target || isFetching || problem) return;
    const seen = new IntersectionObserver((all) => {
      if (all.some((it) => it.isIntersecting)) void fetchNextPage();
    });
    seen.observe(target);
    return () => seen.disconnect();
  }, [fetchNextPage, isFetching, problem]);
  return (
    <li ref={place} className={css.older}>
      {/* Not `disabled`: that takes the keyboard away, and to give it back scrolls to the next page's end. */}
      <Button
        onClick={() => !isFetching && void fetchNextPage()}
        aria-disabled={isFetching || undefined}
        data-disabled={isFetching || undefined}
      >
        {isFetching ? "Reading …" : "Older versions"}
      </Button>
    </li>
  );
}

function Row(props: {
  title: string;
  id: string | undefined;
  isChosen: boolean;
  children: React.ReactNode;
}) {
  return (
    <li>
      <Link
        to="."
        search={(it: Record<string, unknown>) => ({ ...it, version: props.id, against: undefined })}
        aria-current={props.isChosen ? "true" : undefined}
        data-chosen={props.isChosen || undefined}
        replace
      >
        <span className="cut">{props.title}</span>
        <span>{props.children}</span>
      </Link>
    </li>
  );
}

/** What changed since the newest version, and how it becomes one. */
function Now({ status }: { status: Status }) {
  const { project, files } = status;
  return (
    <Panel
      title="Changed since the newest version"
      side={<Ways cli={sh`weir project diff ${project}`} />}
    >
      {files.length === 0 ? (
        <Empty what="Nothing changed" why="The files are those of the newest version." />
      ) : (
        <>
          <Commit status={status} />
          <Compared project={project} from={status.head ?? undefined} to={undefined} />
        </>
      )}
    </Panel>
  );
}

/** One version: against the one before it, or any other. */
function Committed(props: { project: string; id: string; version: Version | undefined }) {
  const { project, id, version } = props;
  const { against } = route.useSearch();
  const navigate = route.useNavigate();
  const others = useVersions(project).value ?? [];
  const branches = useBranches(project).value?.items ?? [];
  const parent = version?.parents[0];
  const from = against ?? parent;
  const choices = [
    ...(parent ? [{ value: parent, label: `${short(parent)} before it` }] : []),
    ...branches.map((it) => ({ value: it.name, label: `branch ${it.name}` })),
    ...others
      .filter((it) => it.id !== id && it.id !== parent)
      .map((it) => ({ value: it.id, label: `${short(it.id)} ${titleOf(it)}` })),
  ];
  return (
    <Panel
      title={version ? titleOf(version) : short(id)}
      side={
        <Ways
          cli={sh`weir project diff ${project} --from ${short(from ?? id)} --to ${short(id)}`}
        />
      }
    >
      <p className="muted">
        <span className="mono">{short(id)}</span>
        {version && (
          <>
            {" "}
            by {version.author.name} <Ago at={version.at} />
          </>
        )}
      </p>
      {version && version.message.trim() !== titleOf(version) && (
        <p className={css.message}>{version.message.split("\n").slice(1).join("\n").trim()}</p>
      )}
      <Select
        label="What differs from"
        data={choices}
        value={from ?? null}
        placeholder="It is the first one"
        searchable
        allowDeselect={false}
        onChange={(it) =>
          void navigate({ search: (all) => ({ ...all, against: it ?? undefined }), replace: true })
        }
      />
      {from ? (
        <Compared project={project} from={from} to={id} />
      ) : (
        <p className="muted">It is the first version: all of its files came with it.</p>
      )}
    </Panel>
  );
}

function Compared(props: { project: string; from: string | undefined; to: string | undefined }) {
  const { by = "fields" } = route.useSearch();
  return (
    <Shows of={useDiff(props.project, props.from, props.to)}>
      {(diff) => <DiffView project={props.project} of={diff} by={by as By} />}
    </Shows>
  );
}

function Ways({ cli }: { cli: string }) {
  const { by = "fields" } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <div className="row">
      <SegmentedControl
        size="xs"
        aria-label="Told by"
        data={[
          { value: "fields", label: "Fields" },
          { value: "lines", label: "Lines" },
          { value: "graph", label: "Graph" },
        ]}
        value={by}
        onChange={(it) =>
          void navigate({
            search: (all) => ({ ...all, by: it === "fields" ? undefined : it }),
            replace: true,
          })
        }
      />
      <CopyCli command={by === "lines" ? cli : `${cli} --fields`} />
    </div>
  );
}
