// A merge: first what it would come to, then the conflicts, each decided by ours, theirs or another value.
import { Textarea } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import { ProblemView } from "../../parts/Problem";
import { Loading } from "../../parts/Shows";
import { Differs, GraphOrText } from "../diff/Differs";
import { meansDrawn } from "../diff/meansDrawn";
import { Changed } from "../editor/Changed";
import css from "./history.module.css";
import { type Choice, type Conflict, decisionsOf, keyOf, type Merge, said } from "./merge";
import { renewAll, short, useFileText } from "./versions";

interface MergeProps {
  project: string;
  branch: string;
  /** Where the project is. */
  into: string;
  onClose: () => void;
}

const sent = (project: string, body: Schemas["MergeRequest"], dryRun: boolean): Promise<Merge> =>
  answered(
    api.POST("/api/v1/projects/{project}/versions:merge", {
      params: { path: { project }, query: { dryRun } },
      body,
    }),
  );

export function MergeDialog({ project, branch, into, onClose }: MergeProps) {
  const queries = useQueryClient();
  const [choices, setChoices] = useState<Record<string, Choice>>({});
  const plan = useQuery({
    queryKey: ["merge plan", project, branch],
    queryFn: () => sent(project, { branch }, true),
    gcTime: 0,
    retry: false,
    // What was decided must not change below whoever decides.
    refetchOnWindowFocus: false,
  });
  const merge = plan.data;
  const conflicts = merge?.conflicts ?? [];
  const decisions = merge && conflicts.length > 0 ? decisionsOf(merge, choices) : undefined;
  const open = conflicts.filter((it) => !choices[keyOf(it)]).length;
  const not =
    (!merge && "What it comes to is not known yet") ||
    (merge?.outcome === "nothing" && "There is nothing to merge") ||
    (open > 0 && `${plural(open, "conflict")} to decide`);
  return (
    <Confirm
      title={`Merge ${branch} into ${into}`}
      isWide={conflicts.length > 0}
      verb={conflicts.length > 0 ? "Merge as decided" : "Merge"}
      cli={sh`weir project merge ${project} ${branch}`}
      not={not || undefined}
      onDo={async () => {
        await sent(project, { branch, decisions }, false);
        await renewAll(queries);
      }}
      onStale={() => {
        setChoices({});
        void plan.refetch();
      }}
      onClose={onClose}
    >
      {plan.isLoading && <Loading />}
      {plan.error && (
        <ProblemView problem={problemIn(plan.error)} onRetry={() => void plan.refetch()} />
      )}
      {merge && <p>{OUTCOMES[merge.outcome](branch, into)}</p>}
      {conflicts.length > 0 && merge && (
        <>
          <p className="muted">
            Both sides changed {plural(conflicts.length, "value")} to something else, of{" "}
            <code>{short(merge.ours ?? "")}</code> and <code>{short(merge.theirs ?? "")}</code>.
            What only one of them changed is taken. Nothing is written until all are decided.
          </p>
          <Conflicts all={conflicts} into={into} branch={branch} {...{ choices, setChoices }} />
          {[...new Set(conflicts.map((it) => it.path))].map((path) => (
            <Sides key={path} of={{ project, path, merge, into, branch }} />
          ))}
        </>
      )}
    </Confirm>
  );
}

const OUTCOMES: Record<Merge["outcome"], (branch: string, into: string) => string> = {
  nothing: (branch, into) => `${into} has all of ${branch} already.`,
  fastForward: (branch, into) => `${into} has nothing of its own: it goes to where ${branch} is.`,
  merged: (branch, into) =>
    `Both fit together: a new version of ${into} has all of ${branch}, too.`,
  conflicts: () => "They do not fit together as they are.",
};

interface SidesProps {
  of: { project: string; path: string; merge: Merge; into: string; branch: string };
}

/** A workflow that both changed, with all that is other on one of the sides. */
function Sides({ of: { project, path, merge, into, branch } }: SidesProps) {
  const [isSeen, setSeen] = useState(false);
  const ours = useFileText(project, path, merge.ours).value;
  const theirs = useFileText(project, path, merge.theirs).value;
  if (!ours || !theirs || !(meansDrawn(ours.text) || meansDrawn(theirs.text))) return null;
  return (
    <details onToggle={(event) => setSeen(event.currentTarget.open)}>
      <summary>
        From {into} to {branch}: <span className="mono">{path}</span>
      </summary>
      {isSeen && (
        <>
          <GraphOrText />
          <Differs
            name={path}
            before={ours.text}
            after={theirs.text}
            text={<Changed before={ours.text} after={theirs.text} />}
          />
        </>
      )}
    </details>
  );
}

interface ConflictsProps {
  all: readonly Conflict[];
  into: string;
  branch: string;
  choices: Record<string, Choice>;
  setChoices: (it: Record<string, Choice>) => void;
}

function Conflicts({ all, into, branch, choices, setChoices }: ConflictsProps) {
  return all.map((it) => (
    <One
      key={keyOf(it)}
      of={it}
      sides={{ ours: into, theirs: branch }}
      choice={choices[keyOf(it)]}
      onChoose={(choice) => setChoices({ ...choices, [keyOf(it)]: choice })}
    />
  ));
}

interface OneProps {
  of: Conflict;
  sides: { ours: string; theirs: string };
  choice: Choice | undefined;
  onChoose: (it: Choice) => void;
}

function One({ of, sides, choice, onChoose }: OneProps) {
  const name = of.field ?? of.path;
  const radio = (take: Choice["take"], label: string) => (
    <label>
      <input
        type="radio"
        name={keyOf(of)}
        checked={choice?.take === take}
        onChange={() => onChoose({ take, typed: choice?.typed ?? said(of.ours) })}
        aria-label={`${name}: ${label}`}
      />{" "}
      {label}
    </label>
  );
  return (
    <fieldset className={css.conflict}>
      <legend>
        <code>{name}</code> {of.field && <span className="muted">{of.path}</span>}{" "}
        {of.reason && <span className="muted">{of.reason}</span>}
      </legend>
      <div className={css.values}>
        <div>
          <span className="muted">it was</span>
          <Value of={of.base} name={`${name} as it was`} />
        </div>
        {(["ours", "theirs"] as const).map((take) => (
          <div key={take} data-chosen={choice?.take === take || undefined}>
            {radio(take, sides[take])}
            <Value of={of[take]} name={`${name} of ${sides[take]}`} />
          </div>
        ))}
      </div>
      {radio("value", "another value")}
      {choice?.take === "value" && (
        <Textarea
          size="xs"
          aria-label={`Value of ${name}`}
          rows={of.field ? 3 : 10}
          value={choice.typed}
          onChange={(event) => onChoose({ take: "value", typed: event.currentTarget.value })}
        />
      )}
    </fieldset>
  );
}

/** What is not there is said so. */
function Value({ of, name }: { of: unknown; name: string }) {
  if (of === undefined || of === null) return <p className="muted">not there</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reached by the keyboard
    <section tabIndex={0} aria-label={name}>
      <pre>{said(of)}</pre>
    </section>
  );
}
