import type { Schemas } from "../api/client";
import css from "./edits.module.css";

/** What differs, field by field. */
export function Edits({ of }: { of: readonly Schemas["Edit"][] }) {
  return of.map((edit) => (
    <div key={edit.path} className={css.edit}>
      <code>{edit.path || "content"}</code> <span className="muted">{edit.edit}</span>
      {edit.before !== undefined && edit.before !== null && (
        <pre data-change="removed">− {said(edit.before)}</pre>
      )}
      {edit.after !== undefined && edit.after !== null && (
        <pre data-change="added">+ {said(edit.after)}</pre>
      )}
      {edit.lines?.map((line) => (
        <pre key={`${line.number}${line.added}`} data-change={line.added ? "added" : "removed"}>
          {line.added ? "+" : "−"} {line.number} {line.text}
        </pre>
      ))}
    </div>
  ));
}

const said = (it: unknown) => JSON.stringify(it);
