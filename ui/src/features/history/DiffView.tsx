import { Link } from "@tanstack/react-router";
import { type ReactNode, Suspense, useState } from "react";
import type { Schemas } from "../../api/client";
import { plural } from "../../logic/format";
import { Edits } from "../../parts/Edits";
import { Loading, Shows } from "../../parts/Shows";
import { DrawnTexts } from "../diff/Differs";
import { meansDrawn } from "../diff/meansDrawn";
import { isDrawn } from "../editor/schema";
import css from "./history.module.css";
import { type Diff, type FileDiff, useFileText } from "./versions";

export type By = "fields" | "lines" | "graph";

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
          between={of}
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
  /** The two versions. */
  between: Pick<Diff, "from" | "to">;
  by: By;
  isOpen: boolean;
}

function File({ project, of, between, by, isOpen }: FileProps) {
  const { asset } = of;
  const isByFields = by !== "lines" && asset && asset.edits.length > 0;
  const isGraph = by === "graph" && mayBeDrawn(of);
  // A file that came or went is all of its lines: the name says enough at first.
  const isOpenFirst = isOpen && (isGraph || !["added", "deleted"].includes(of.change));
  const [isSeen, setSeen] = useState(isOpenFirst);
  const told = isByFields ? <Edits of={asset.edits} /> : <Lines of={of} />;
  return (
    <details open={isOpenFirst} onToggle={(event) => setSeen(event.currentTarget.open)}>
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
      {!isGraph && told}
      {isGraph && isSeen && <Drawn project={project} of={of} between={between} instead={told} />}
    </details>
  );
}

/** What can't be read on one of the sides is no asset, and may be a workflow on the other. */
const mayBeDrawn = ({ asset, path }: FileDiff) =>
  asset?.kind ? isDrawn(asset.kind) : /\.ya?ml$/.test(path);

interface DrawnProps {
  project: string;
  of: FileDiff;
  between: Pick<Diff, "from" | "to">;
  instead: ReactNode;
}

function Drawn({ project, of, between, instead }: DrawnProps) {
  const { path, change } = of;
  const was = useFileText(
    project,
    change === "added" ? undefined : (of.from ?? path),
    between.from,
  );
  const is = useFileText(project, change === "deleted" ? undefined : path, between.to);
  if (was.problem || is.problem) return instead;
  return (
    <Shows of={was}>
      {({ text: before }) => (
        <Shows of={is}>
          {({ text: after }) =>
            meansDrawn(before) || meansDrawn(after) ? (
              <Suspense fallback={<Loading />}>
                <DrawnTexts name={path} before={before} after={after} instead={instead} />
              </Suspense>
            ) : (
              instead
            )
          }
        </Shows>
      )}
    </Shows>
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
