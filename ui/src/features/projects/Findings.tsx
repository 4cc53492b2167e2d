import type { ReactNode } from "react";
import { Empty } from "../../parts/Shows";
import type { Finding } from "./projects";
import css from "./projects.module.css";

/** What is wrong, where, why, and what to do about it; errors first. */
export function Findings({
  all,
  about,
  fix,
}: {
  all: readonly Finding[];
  /** Where it is, as something that leads there. */
  about: (it: Finding) => ReactNode;
  /** What can be done at once. */
  fix?: (it: Finding) => ReactNode;
}) {
  if (all.length === 0)
    return (
      <Empty
        what="There are no problems"
        why="Everything that is checked before it runs is right."
      />
    );
  const worst = [...all].sort((a, b) => rank(a) - rank(b));
  return (
    <ul className={css.findings} aria-label="Problems">
      {worst.map((it) => (
        <li key={`${it.file}:${it.line}:${it.column}:${it.code}:${it.path}:${it.cause}`}>
          <span data-tone={it.severity === "error" ? "err" : "warn"}>
            <span aria-hidden="true">{it.severity === "error" ? "▲" : "◆"}</span>
            <span className="hidden">{it.severity}</span>
          </span>
          <div>
            <p>{it.cause}</p>
            {it.fix && <p className="muted">{it.fix}</p>}
            <div className="row small">
              {about(it)}
              {it.path && <code className="muted">{it.path}</code>}
              <code className="muted">{it.code}</code>
              {fix?.(it)}
            </div>
          </div>
        </li>
      ))}
    </ul>
  );
}

const rank = (it: Finding) => (it.severity === "error" ? 0 : 1);
