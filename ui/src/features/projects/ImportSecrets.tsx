// Variables of a `.env` file become secrets: sealed one by one, written at once. Their values are kept nowhere.
import { Checkbox, Textarea } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { answered, api } from "../../api/client";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import { withValue } from "../editor/text";
import type { Shown } from "./Head";
import { InAsset } from "./InAsset";
import type { Column } from "./matrix";
import { renew, written } from "./projects";
import css from "./projects.module.css";
import { variablesOf } from "./sealed";
import { badName } from "./templates";

interface ImportProps extends Shown {
  columns: readonly Column[];
  onClose: () => void;
}

export function ImportSecrets({ project, views, columns, onClose }: ImportProps) {
  const queries = useQueryClient();
  const [path, setPath] = useState(columns[0]?.path ?? "");
  const [typed, setTyped] = useState("");
  const picker = useRef<HTMLInputElement>(null);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const { variables, bad } = variablesOf(typed);
  const view = views.find((it) => it.path === path);
  const there = columns.find((it) => it.path === path)?.values ?? {};
  const usable = variables.filter((it) => !badName(it.name) && it.value !== "");
  const chosen = usable.filter((it) => !left.has(it.name));
  return (
    <Confirm
      title="Import secrets"
      verb={`Seal and write${chosen.length > 0 ? ` ${plural(chosen.length, "secret")}` : ""}`}
      cli={sh`weir secret encrypt NAME --project ${project}`}
      not={(!view && "An asset is missing") || (chosen.length === 0 && "Nothing is chosen")}
      onDo={async () => {
        let text = view?.text ?? "";
        for (const { name, value } of chosen) {
          const body = { project, name, value };
          const { sealed } = await answered(api.POST("/api/v1/secrets:seal", { body }));
          text = withValue(text, ["spec", "values", name], sealed);
        }
        await written(project, path, text, view?.etag ?? undefined);
        await renew(queries);
      }}
      onStale={() => void renew(queries)}
      onClose={onClose}
    >
      <InAsset columns={columns} path={path} onChange={setPath} />
      <Textarea
        size="xs"
        label="Variables"
        description="As in a .env file, NAME=VALUE in each line"
        rows={6}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        autoComplete="off"
        spellCheck={false}
        data-autofocus
      />
      <div>
        <input
          ref={picker}
          type="file"
          className="hidden"
          tabIndex={-1}
          aria-label="A .env file"
          onChange={(event) => void event.currentTarget.files?.[0]?.text().then(setTyped)}
        />
        <button type="button" className={css.link} onClick={() => picker.current?.click()}>
          Read them from a file …
        </button>
      </div>
      {bad.length > 0 && (
        <p className="muted small">
          {plural(bad.length, "line")} can’t be read: {bad.join(", ")}
        </p>
      )}
      <ul className={css.import} aria-label="What is imported">
        {variables.map((it) => {
          const why = badName(it.name) ?? (it.value === "" ? "it has no value" : undefined);
          return (
            <li key={it.name}>
              <Checkbox
                size="xs"
                label={<code>{it.name}</code>}
                checked={!why && !left.has(it.name)}
                disabled={why !== undefined}
                onChange={() => {
                  const next = new Set(left);
                  if (!next.delete(it.name)) next.add(it.name);
                  setLeft(next);
                }}
              />
              <span className="muted small">
                {why ?? (it.name in there ? "replaces the one that is there" : "new")}
              </span>
            </li>
          );
        })}
      </ul>
    </Confirm>
  );
}
