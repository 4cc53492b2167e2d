import { Link } from "@tanstack/react-router";
import { useLive } from "../live";
import { plural } from "../logic/format";
import css from "./parts.module.css";

/** Leads to where items of a workflow that have failed are reset: nothing processes them again before. */
export function FailedItems({ of }: { of: string }) {
  const sources = useLive("sources").value?.items ?? [];
  const failed = sources.flatMap(({ source, counts }) => {
    const count = source.startsWith(`${of}/`) ? (counts.failed?.count ?? 0) : 0;
    return count > 0 ? [{ source, count }] : [];
  });
  if (failed.length === 0) return null;
  return (
    <ul className={css.bare} aria-label="Failed items">
      {failed.map(({ source, count }) => (
        <li key={source}>
          <Link
            to="/access"
            search={{ tab: "sources", source, status: "failed" }}
            className="small"
          >
            {plural(count, "item")} of {source} failed: reset …
          </Link>
        </li>
      ))}
    </ul>
  );
}
