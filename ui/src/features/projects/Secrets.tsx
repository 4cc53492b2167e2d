// Secrets by the asset that has them: a value is sealed by the cluster to its current key, and never shown again.
import { PasswordInput, TextInput } from "@mantine/core";
import { useQueries, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { place } from "../../api/place";
import { sh } from "../../logic/shell";
import { Act, Confirm, CopyCli, useLacks } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Empty } from "../../parts/Shows";
import { useAsked } from "../../parts/useAsked";
import { withValue } from "../editor/text";
import { Head, type Shown } from "./Head";
import { ImportSecrets } from "./ImportSecrets";
import { InAsset } from "./InAsset";
import { type Column, cellsOf, matrix } from "./matrix";
import { Needs } from "./Needs";
import { assetOf, renew, useAssets, written } from "./projects";
import css from "./projects.module.css";
import { openedBy, sealedOf, usesOf } from "./sealed";
import { badName } from "./templates";
import { useUse } from "./useUse";

export function Secrets({ project, views }: Shown) {
  const [asked, setAsked] = useState<"set" | "import">();
  const use = useUse({ project, views }, "Secret");
  const lacks = useLacks("project:write");
  const keys = useKeys().value?.items;
  const uses = useUses(project);
  const columns = matrix(views, "Secret");
  const names = [...new Set(columns.flatMap((it) => Object.keys(it.values)))].sort();
  return (
    <>
      <Needs {...{ project, uses, secrets: columns }} environments={matrix(views, "Environment")} />
      <Panel
        title="Secrets"
        side={
          <div className="row">
            <Act
              label="Set …"
              about="a secret"
              claim="project:write"
              not={columns.length === 0 && "An asset of kind Secret must be there first"}
              onAct={() => setAsked("set")}
            />
            <Act
              label="Import …"
              about="secrets"
              claim="project:write"
              not={columns.length === 0 && "An asset of kind Secret must be there first"}
              onAct={() => setAsked("import")}
            />
            <CopyCli command={sh`weir secret encrypt NAME --project ${project}`} />
          </div>
        }
        flush
      >
        {use.problem && <ProblemView problem={use.problem} />}
        {columns.length === 0 ? (
          <Empty
            what="There are no secrets"
            why="Values that only the engine sees that uses them, sealed to public keys and written ${sec:NAME}. Make an asset of kind Secret, and name it in project.yaml."
            cli="weir secret encrypt NAME"
          />
        ) : (
          <div className={css.matrix}>
            <table aria-label="Secrets by asset">
              <Head
                project={project}
                columns={columns}
                last="Used in"
                use={lacks ? undefined : use}
              />
              <tbody>
                {names.map((name) => (
                  <tr key={name}>
                    <th scope="row" className="mono">
                      {name}
                    </th>
                    {cellsOf(columns, name).map(({ column, value, isMissing }) => (
                      <td key={column.path} data-missing={isMissing || undefined}>
                        <Standing
                          value={value}
                          isMissing={isMissing}
                          at={{ project, name }}
                          keys={keys}
                        />
                      </td>
                    ))}
                    <td>
                      {(uses?.get(name) ?? []).map((path) => (
                        <div key={path}>
                          <Link to="/projects/$project/assets/$" params={{ project, _splat: path }}>
                            {path}
                          </Link>
                        </div>
                      ))}
                      {uses && !uses.has(name) && <span className="muted">nowhere</span>}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
            {names.length === 0 && <p className={css.none}>No value is set yet.</p>}
          </div>
        )}
        {asked === "set" && (
          <SetSecret {...{ project, views, columns }} onClose={() => setAsked(undefined)} />
        )}
        {asked === "import" && (
          <ImportSecrets {...{ project, views, columns }} onClose={() => setAsked(undefined)} />
        )}
      </Panel>
    </>
  );
}

/** Who opens it: the keys of the cluster that the page is about. */
const useKeys = () => useAsked(["keys of", place.cluster], () => answered(api.GET("/api/v1/keys")));

/** More assets are not read for it. */
const READ_MAX = 300;

/** Where each secret stands; absent until all assets were read. */
function useUses(project: string): Map<string, string[]> | undefined {
  const assets = useAssets(project).value?.items ?? [];
  const read = assets.length <= READ_MAX ? assets : [];
  const asked = useQueries({
    queries: read.map(({ path }) => ({
      queryKey: ["asset", project, path],
      queryFn: () => assetOf(project, path),
    })),
  });
  if (asked.length === 0 || asked.some((it) => it.isPending)) return undefined;
  return usesOf(asked.flatMap(({ data }) => (data ? [data] : [])));
}

interface StandingProps {
  value: string;
  isMissing: boolean;
  at: { project: string; name: string };
  keys: Parameters<typeof openedBy>[2];
}

const GLYPHS = { ok: "●", warn: "◆", err: "▲" };

function Standing({ value, isMissing, at, keys }: StandingProps) {
  const sealed = sealedOf(value);
  if (!sealed) {
    if (value) return <span data-tone="err">▲ not sealed</span>;
    return isMissing ? <span>▲ missing</span> : <span className="muted">–</span>;
  }
  const { tone, text } = openedBy(sealed, at, keys);
  return (
    <span data-tone={tone}>
      <span className={css.tone} aria-hidden="true">
        {GLYPHS[tone]}
      </span>{" "}
      {text}
    </span>
  );
}

function SetSecret(props: Shown & { columns: readonly Column[]; onClose: () => void }) {
  const { project, views, columns } = props;
  const queries = useQueryClient();
  const [path, setPath] = useState(columns[0]?.path ?? "");
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const view = views.find((it) => it.path === path);
  return (
    <Confirm
      title="Set a secret"
      verb="Seal and write"
      cli={sh`weir secret encrypt ${name || "NAME"} --project ${project}`}
      not={badName(name) ?? ((!value && "A value is missing") || (!view && "An asset is missing"))}
      onDo={async () => {
        const { sealed } = await answered(
          api.POST("/api/v1/secrets:seal", { body: { project, name, value } }),
        );
        const text = withValue(view?.text ?? "", ["spec", "values", name], sealed);
        await written(project, path, text, view?.etag ?? undefined);
        await renew(queries);
      }}
      onStale={() => void renew(queries)}
      onClose={props.onClose}
    >
      <InAsset columns={columns} path={path} onChange={setPath} />
      <TextInput
        label="Name"
        description={`Written \${sec:${name || "NAME"}} where it is used`}
        value={name}
        error={name && badName(name)}
        onChange={(event) => setName(event.currentTarget.value)}
        autoComplete="off"
        data-autofocus
      />
      <PasswordInput
        label="Value"
        description="Sealed to the current key of the cluster, for this project and this name alone"
        value={value}
        onChange={(event) => setValue(event.currentTarget.value)}
        autoComplete="off"
      />
    </Confirm>
  );
}
