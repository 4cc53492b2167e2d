import { Checkbox, Textarea } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { type Problem, problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Act, Confirm, CopyCli } from "../../parts/Act";
import { ProblemView } from "../../parts/Problem";
import { Change } from "./DiffView";
import css from "./history.module.css";
import { renewAll, type Status, seen } from "./versions";

/** What changed becomes a version: all of it, or the files that are chosen. */
export function Commit({ status }: { status: Status }) {
  const { project, files } = status;
  const queries = useQueryClient();
  const [message, setMessage] = useState("");
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const [isDiscarding, setDiscarding] = useState(false);
  const chosen = files.filter((it) => !left.has(it.path)).map((it) => it.path);
  const isAll = chosen.length === files.length;
  const those = (isAdded: boolean) =>
    files.filter((it) => !left.has(it.path) && (it.change === "added") === isAdded);
  const why = !message.trim() ? "A message is missing" : chosen.length === 0 && "No file is chosen";
  const commit = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      const params = { path: { project }, header: seen(status.head) };
      const body = { message: message.trim(), paths: isAll ? undefined : chosen };
      await answered(api.POST("/api/v1/projects/{project}/versions", { params, body }));
      setMessage("");
    } catch (error) {
      setProblem(problemIn(error));
    } finally {
      setBusy(false);
      // What is refused may have moved meanwhile: it is looked at anew.
      await renewAll(queries);
    }
  };
  return (
    <div className={css.commit}>
      {status.isMerging && (
        <p data-tone="warn" className={css.tone}>
          ◆ Another program has begun a merge here: committing finishes it.
        </p>
      )}
      <ul className={css.files} aria-label="Files that changed">
        {files.map((it) => (
          <li key={it.path}>
            <Checkbox
              size="xs"
              aria-label={`Commit ${it.path}`}
              checked={!left.has(it.path)}
              onChange={() => {
                const next = new Set(left);
                if (!next.delete(it.path)) next.add(it.path);
                setLeft(next);
              }}
            />
            <Change of={it.change} />
            <span className="mono">{it.path}</span>
            <span className="muted">{it.change}</span>
          </li>
        ))}
      </ul>
      <Textarea
        size="xs"
        label="Message"
        description="What changes and why; the first line is its title"
        autosize={false}
        rows={3}
        value={message}
        onChange={(event) => setMessage(event.currentTarget.value)}
      />
      {problem && <ProblemView problem={problem} />}
      <div className="row">
        <Act
          label={`Commit ${isAll ? "all" : plural(chosen.length, "file")}`}
          claim="project:write"
          isMain
          not={isBusy ? "It is on its way" : why}
          onAct={() => void commit()}
        />
        <Act
          label="Discard …"
          about="what was changed"
          claim="project:write"
          isDanger
          not={
            !status.head
              ? "There is no version yet that files could go back to"
              : chosen.length === 0 && "No file is chosen"
          }
          onAct={() => setDiscarding(true)}
        />
        <div className="grow" />
        <CopyCli
          command={sh`weir project commit ${project} -m ${message.trim() || "MESSAGE"} ${isAll ? [] : chosen}`}
        />
      </div>
      {isDiscarding && (
        <Confirm
          title={`Discard what was changed in ${plural(chosen.length, "file")}`}
          verb="Discard"
          isDanger
          typed={project}
          cli={sh`weir project discard ${project} ${chosen}`}
          onDo={async () => {
            const params = { path: { project } };
            const body = { paths: chosen };
            await answered(
              api.POST("/api/v1/projects/{project}/versions:discard", { params, body }),
            );
            await renewAll(queries);
          }}
          onClose={() => setDiscarding(false)}
        >
          <Paths
            of={those(true)}
            what="Deleted, for no version has them; nothing brings them back:"
          />
          <Paths
            of={those(false)}
            what="As in the newest version again; nothing brings back what was changed:"
          />
        </Confirm>
      )}
    </div>
  );
}

function Paths({ of, what }: { of: Status["files"]; what: string }) {
  if (of.length === 0) return null;
  return (
    <>
      <p>{what}</p>
      <ul>
        {of.map((it) => (
          <li key={it.path} className="mono">
            {it.path}
          </li>
        ))}
      </ul>
    </>
  );
}
