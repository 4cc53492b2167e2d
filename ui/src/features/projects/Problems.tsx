import { plural } from "../../logic/format";
import css from "../../parts/parts.module.css";
import type { Finding } from "./projects";

/** How many there are, by how bad they are: with a glyph and in words. */
export function Problems({ errors, warnings }: { errors: number; warnings: number }) {
  if (errors + warnings === 0) return <span className="muted">no problems</span>;
  return (
    <span className="row">
      {errors > 0 && (
        <span className={css.badge} data-tone="err">
          ▲ {plural(errors, "error")}
        </span>
      )}
      {warnings > 0 && (
        <span className={css.badge} data-tone="warn">
          ◆ {plural(warnings, "warning")}
        </span>
      )}
    </span>
  );
}

export const countOf = (all: readonly Finding[]) => ({
  errors: all.filter((it) => it.severity === "error").length,
  warnings: all.filter((it) => it.severity !== "error").length,
});
