import { Select } from "@mantine/core";
import type { Column } from "./matrix";
import css from "./projects.module.css";

/** The asset that a secret is written into, and that the project does not use it, where that is so. */
export function InAsset(props: {
  columns: readonly Column[];
  path: string;
  onChange: (path: string) => void;
}) {
  const { columns, path, onChange } = props;
  const chosen = columns.find((it) => it.path === path);
  const isUnused = chosen && chosen.order === undefined;
  return (
    <>
      <Select
        label="Asset"
        data={columns.map((it) => ({
          value: it.path,
          label: it.order === undefined ? `${it.name}, not used by the project` : it.name,
        }))}
        value={path}
        allowDeselect={false}
        onChange={(it) => onChange(it ?? "")}
      />
      {isUnused && (
        <p className={css.notice} role="status">
          The project does not use {chosen.name}: what names a secret of it finds none, until{" "}
          <em>Use it</em> at its name in the table puts it into <code>project.yaml</code>.
        </p>
      )}
    </>
  );
}
