// Secrets by the asset that has them: a value is sealed by the cluster to its current key, and never shown again.
import { PasswordInput, Select, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { Act, Confirm, CopyCli } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { Empty } from "../../parts/Shows";
import { withValue } from "../editor/text";
import { Head, type Shown } from "./Head";
import { type Column, cellsOf, matrix } from "./matrix";
import { renew, written } from "./projects";
import css from "./projects.module.css";
import { badName } from "./templates";

const SEALED = "weir-secret:";

export function Secrets({ project, views }: Shown) {
  const [isAsked, setAsked] = useState(false);
  const columns = matrix(views, "Secret");
  const names = [...new Set(columns.flatMap((it) => Object.keys(it.values)))].sort();
  return (
    <Panel
      title="Secrets"
      side={
        <div className="row">
          <Act
            label="Set …"
            about="a secret"
            claim="project:write"
            not={columns.length === 0 && "An asset of kind Secret must be there first"}
            onAct={() => setAsked(true)}
          />
          <CopyCli command={`weir secret encrypt NAME --project ${project}`} />
        </div>
      }
      flush
    >
      {columns.length === 0 ? (
        <Empty
          what="There are no secrets"
          why="Values that only the engine sees that uses them, sealed to public keys and written ${sec:NAME}. Make an asset of kind Secret, and name it in project.yaml."
          cli="weir secret encrypt NAME"
        />
      ) : (
        <div className={css.matrix}>
          <table aria-label="Secrets by asset">
            <Head project={project} columns={columns} />
            <tbody>
              {names.map((name) => (
                <tr key={name}>
                  <th scope="row" className="mono">
                    {name}
                  </th>
                  {cellsOf(columns, name).map(({ column, value, isMissing }) => (
                    <td key={column.path} data-missing={isMissing || undefined}>
                      <Standing value={value} isMissing={isMissing} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          {names.length === 0 && <p className={css.none}>No value is set yet.</p>}
        </div>
      )}
      {isAsked && (
        <SetSecret
          project={project}
          views={views}
          columns={columns}
          onClose={() => setAsked(false)}
        />
      )}
    </Panel>
  );
}

function Standing({ value, isMissing }: { value: string; isMissing: boolean }) {
  if (value.startsWith(SEALED)) return <span>● sealed</span>;
  if (value) return <span data-tone="err">▲ not sealed</span>;
  return isMissing ? <span>▲ missing</span> : <span className="muted">–</span>;
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
      cli={`weir secret encrypt ${name || "NAME"} --project ${project}`}
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
      <Select
        label="Asset"
        data={columns.map((it) => ({ value: it.path, label: it.name }))}
        value={path}
        allowDeselect={false}
        onChange={(it) => setPath(it ?? "")}
      />
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
