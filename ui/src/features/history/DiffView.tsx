import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { plural } from "../../logic/format";
import { Edits } from "../../parts/Edits";
import css from "./history.module.css";
import type { Diff, FileDiff } from "./versions";

export type By = "fields" | "lines";

const SIGNS: Record<FileDiff["change"], [sign: string, tone: string]> = {
  added: ["+", "ok"],
  changed: ["~", "warn"],
  deleted: ["−", "err"],
  conflicted: ["!", "err"],
  moved: ["→", "info"],
};
/** So many files are open at first. */
const OPEN_MAX = 12;

/** How two versions differ, file by file. */
export function DiffView({ project, of, by }: { project: string; of: Diff; by: By }) {
  return (
    <div className={css.diff}>
      {of.files.length === 0 && <p className="muted">Nothing: they are the same.</p>}
      {of.files.map((it) => (
        <File
          key={it.path}
          project={project}
          of={it}
          by={by}
          isOpen={of.files.length <= OPEN_MAX}
        />
      ))}
      {of.leftOut > 0 && (
        <p className="muted">{plural(of.leftOut, "more file")} differ and are not listed.</p>
      )}
    </div>
  );
}

interface FileProps {
  project: string;
  of: FileDiff;
  by: By;
  isOpen: boolean;
}

function File({ project, of, by, isOpen }: FileProps) {
  const { asset } = of;
  const isByFields = by === "fields" && asset && asset.edits.length > 0;
  return (
    // A file that came or went is all of its lines: the name says enough at first.
    <details open={isOpen && !["added", "deleted"].includes(of.change)}>
      <summary>
        <Change of={of.change} /> <span className="mono">{of.path}</span>{" "}
        <span className="muted">
          {of.change}
          {of.from && ` from ${of.from}`}
          {asset?.kind &&
            ` · ${asset.kind} ${asset.formerName ? `${asset.formerName} → ` : ""}${asset.name ?? ""}`}
        </span>
      </summary>
      {of.change !== "deleted" && (
        <Link
          className={css.open}
          to="/projects/$project/assets/$"
          params={{ project, _splat: of.path }}
          search={{ tab: "code" }}
        >
          Open <span className="hidden">{of.path}</span>
        </Link>
      )}
      {isByFields ? <Edits of={asset.edits} /> : <Lines of={of} />}
    </details>
  );
}

/** What became of a file, as a sign and a colour; the word stands beside it. */
export function Change({ of }: { of: FileDiff["change"] }) {
  const [sign, tone] = SIGNS[of];
  return (
    <span className={css.sign} data-tone={tone} aria-hidden="true">
      {sign}
    </span>
  );
}

const MARKS: Record<Schemas["HunkLine"]["kind"], string> = { same: " ", removed: "−", added: "+" };

function Lines({ of }: { of: FileDiff }) {
  const hunks = of.hunks ?? [];
  if (!of.isShown) return <p className="muted">It is no text, or too long to be shown.</p>;
  if (hunks.length === 0) return <p className="muted">Its content is the same.</p>;
  return (
    <>
      {hunks.map((hunk) => (
        <div key={hunk.header} className={css.hunk}>
          <pre className={css.where}>{hunk.header}</pre>
          {hunk.lines.map((it) => (
            <pre key={`${it.before ?? ""}:${it.after ?? ""}`} data-change={it.kind}>
              <span className={css.number}>{it.after ?? it.before}</span>
              {MARKS[it.kind]} {it.text}
            </pre>
          ))}
        </div>
      ))}
      {of.isCut && <p className="muted">There are more lines than are shown.</p>}
    </>
  );
}
