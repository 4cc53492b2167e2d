import { Link } from "@tanstack/react-router";
import css from "./tabs.module.css";

/** Parts of a view, each with an address of its own. */
export function Tabs({
  all,
  at,
}: {
  all: readonly (readonly [id: string, title: string])[];
  at: string;
}) {
  return (
    <nav className={css.tabs} aria-label="Parts of this view">
      {all.map(([id, title]) => (
        <Link
          key={id}
          to="."
          search={(before: Record<string, unknown>) => ({ ...before, tab: id })}
          aria-current={id === at ? "page" : undefined}
          data-tab=""
        >
          {title}
        </Link>
      ))}
    </nav>
  );
}
