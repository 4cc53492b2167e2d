import { TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Act, Confirm, CopyCli } from "../../parts/Act";
import { Facts, Panel } from "../../parts/Page";
import { Shows } from "../../parts/Shows";
import { useAsked } from "../../parts/useAsked";
import { Findings } from "./Findings";
import { type Asset, type Finding, matching, renew } from "./projects";
import css from "./projects.module.css";
import { titleOf } from "./Tree";
import { badName } from "./templates";

type Usage = Schemas["AssetUsage"];

const useUsages = (project: string, asset: string) =>
  useAsked(["usages", project, asset], () =>
    answered(
      api.GET("/api/v1/projects/{project}/assets/{asset}/usages", {
        params: { path: { project, asset } },
      }),
    ),
  );

/** What an asset is, where it is used, and what is wrong with it. */
export function AssetDetail(props: {
  project: string;
  asset: Asset;
  findings: readonly Finding[];
}) {
  const { project, asset } = props;
  const [asked, setAsked] = useState<"rename" | "delete">();
  const usages = useUsages(project, asset.path);
  const own = props.findings.filter((it) => it.file === asset.path);
  const isProject = asset.kind === "Project";
  const open = { project, _splat: asset.path };
  const close = () => setAsked(undefined);
  return (
    <Panel
      title={titleOf(asset)}
      side={
        <div className="row">
          <Link to="/projects/$project/assets/$" params={open}>
            Open
          </Link>
          <Act
            label="Rename …"
            about={titleOf(asset)}
            claim="project:write"
            not={
              (isProject && "Rename the project instead") || (!asset.name && "It has no name yet")
            }
            onAct={() => setAsked("rename")}
          />
          <Act
            label="Delete …"
            about={titleOf(asset)}
            claim="project:write"
            isDanger
            not={isProject && "A project has this file"}
            onAct={() => setAsked("delete")}
          />
          <CopyCli command={sh`weir project show ${project} ${asset.path}`} />
        </div>
      }
    >
      {asset.description && <p className={css.what}>{asset.description}</p>}
      <Facts
        of={[
          ["Kind", asset.kind],
          [
            "File",
            <span key="f" className="mono">
              {asset.path}
            </span>,
          ],
        ]}
      />
      <h3 className={css.apart}>Used by</h3>
      <Shows of={usages}>
        {({ items }) => <Usages project={project} kind={asset.kind} items={items} />}
      </Shows>
      {own.length > 0 && (
        <>
          <h3 className={css.apart}>Problems</h3>
          <Findings
            all={own}
            about={(it) => (
              <Link
                to="/projects/$project/assets/$"
                params={open}
                search={{ tab: "code", line: String(it.line) }}
              >
                line {it.line}
              </Link>
            )}
          />
        </>
      )}
      {asked === "rename" && (
        <RenameAsset
          project={project}
          asset={asset}
          usages={usages.value?.items ?? []}
          onClose={close}
        />
      )}
      {asked === "delete" && (
        <DeleteAsset
          project={project}
          asset={asset}
          usages={usages.value?.items ?? []}
          onClose={close}
        />
      )}
    </Panel>
  );
}

function Usages(props: { project: string; kind?: Asset["kind"]; items: readonly Usage[] }) {
  const { project, kind, items } = props;
  if (items.length === 0)
    return (
      <p className="muted">
        No other asset names it.
        {(kind === "Environment" || kind === "Secret") && (
          <>
            {" "}
            So the project does not use its values:{" "}
            <Link to="." search={{ tab: "environments" }}>
              use it
            </Link>
            .
          </>
        )}
      </p>
    );
  return (
    <ul className={css.usages}>
      {items.map((it) => (
        <li key={`${it.path}:${it.line}:${it.column}`}>
          {it.kind}{" "}
          <Link
            to="/projects/$project/assets/$"
            params={{ project, _splat: it.path }}
            search={{ tab: "code", line: String(it.line) }}
          >
            {it.name}
          </Link>{" "}
          <code className="muted">{it.at}</code>
          {it.by && <span className="muted"> by {it.by}</span>}
        </li>
      ))}
    </ul>
  );
}

interface Asked {
  project: string;
  asset: Asset;
  usages: readonly Usage[];
  onClose: () => void;
}

function RenameAsset({ project, asset, usages, onClose }: Asked) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState(asset.name ?? "");
  const changed = usages.filter((it) => !it.by);
  const left = usages.filter((it) => it.by);
  return (
    <Confirm
      title={`Rename ${titleOf(asset)}`}
      verb="Rename"
      cli={sh`weir project mv ${project} ${asset.path} ${name}`}
      not={badName(name) ?? (name === asset.name && "That is its name")}
      onDo={async () => {
        const { asset: now } = await answered(
          api.POST("/api/v1/projects/{project}/assets/{asset}/rename", {
            params: {
              path: { project, asset: asset.path },
              header: matching(asset.etag ?? ""),
            },
            body: { name },
          }),
        );
        await renew(queries);
        await navigate({
          to: "/projects/$project",
          params: { project },
          search: (it: object) => ({ ...it, asset: now.path }),
        });
      }}
      onStale={() => void renew(queries)}
      onClose={onClose}
    >
      <TextInput
        label="New name"
        value={name}
        error={badName(name)}
        onChange={(event) => setName(event.currentTarget.value)}
        autoComplete="off"
        data-autofocus
      />
      <p>
        {changed.length > 0
          ? `Changed with it: ${plural(changed.length, "place")}.`
          : "No other asset names it: nothing else changes."}
      </p>
      <Usages project={project} items={changed.length > 0 ? changed : []} />
      {left.length > 0 && (
        <p>
          Not changed, since values of environments make the name there:{" "}
          {left.map((it) => `${it.name} (${it.by})`).join(", ")}.
        </p>
      )}
    </Confirm>
  );
}

function DeleteAsset({ project, asset, usages, onClose }: Asked) {
  const queries = useQueryClient();
  return (
    <Confirm
      title={`Delete ${titleOf(asset)}`}
      verb="Delete"
      isDanger
      typed={usages.length > 0 ? undefined : titleOf(asset)}
      not={usages.length > 0 && "Others name it"}
      cli={sh`weir project rm ${project} ${asset.path}`}
      onDo={async () => {
        await answered(
          api.DELETE("/api/v1/projects/{project}/assets/{asset}", {
            params: { path: { project, asset: asset.path }, header: matching(asset.etag ?? "") },
          }),
        );
        await renew(queries);
      }}
      onStale={() => void renew(queries)}
      onClose={onClose}
    >
      {usages.length > 0 ? (
        <>
          <p>It can’t be deleted while others name it:</p>
          <Usages project={project} items={usages} />
        </>
      ) : (
        <p>
          No other asset names it. The file <code>{asset.path}</code> is deleted.
        </p>
      )}
    </Confirm>
  );
}
