import { type ReactNode, useMemo } from "react";
import { DrawnDiff } from "./DrawnDiff";
import css from "./diff.module.css";
import { drawable } from "./graphDiff";

interface DrawnTextsProps {
  name: string;
  /** Absent: it was not there, or is not any more. */
  before: string | undefined;
  after: string | undefined;
  /** What tells the difference where it can't be drawn. */
  instead: ReactNode;
}

/** How two texts of a workflow differ, as a graph. */
export function DrawnTexts({ name, before, after, instead }: DrawnTextsProps) {
  const found = useMemo(() => drawable(before, after), [before, after]);
  if ("problem" in found)
    return (
      <>
        <p className={css.notice} data-tone="warn">
          ◆ It is not drawn: {found.problem}
        </p>
        {instead}
      </>
    );
  return (
    <>
      {found.parents.length > 0 && (
        <p className="muted small">
          It extends {found.parents.join(" and ")}: of those stages, only what it says itself is
          drawn.
        </p>
      )}
      <DrawnDiff name={name} of={found.diff} />
    </>
  );
}
