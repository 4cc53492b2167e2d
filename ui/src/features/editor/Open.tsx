import { getRouteApi, Link, useBlocker } from "@tanstack/react-router";
import { Suspense, useDeferredValue, useEffect, useMemo, useState } from "react";
import { type Problem, problemIn, UNREACHED } from "../../api/problem";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Act, CopyCli, useLacks } from "../../parts/Act";
import { lazy } from "../../parts/lazy";
import { Page, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Loading } from "../../parts/Shows";
import { Tabs } from "../../parts/Tabs";
import { linesOf, stageAt } from "../designer/lines";
import { mends } from "../designer/mend";
import { useDesign } from "../designer/useDesign";
import { Findings } from "../projects/Findings";
import { countOf, Problems } from "../projects/Problems";
import { type Finding, useAssets } from "../projects/projects";
import { Beyond } from "./Beyond";
import type { Mark } from "./Code";
import { type Conflict, conflictIn, conflictOf } from "./conflict";
import { isDirty, isUndoable } from "./draft";
import css from "./editor.module.css";
import { FormView } from "./FormView";
import { type Fix, fixOf, type Mend } from "./findings";
import { isDrawn, type Kind } from "./schema";
import { offsetOf, type Path, withValue } from "./text";
import type { Drafting, Theirs } from "./useDraft";
import { useHeard } from "./useOthers";
import { useOwnFindings } from "./useOwnFindings";
import { type Read, useText } from "./useText";

const route = getRouteApi("/frame/projects/$project/assets/$");
const ConflictDialog = lazy(() =>
  import("./ConflictDialog").then((it) => ({ default: it.ConflictDialog })),
);
const Code = lazy(() => import("./Code").then((it) => ({ default: it.Code })));
const Designer = lazy(() =>
  import("../designer/Designer").then((it) => ({ default: it.Designer })),
);
const TABS = [
  ["form", "Form and code"],
  ["code", "Code"],
] as const;
const WORKFLOW_TABS = [
  ["design", "Design"],
  ["split", "Design and code"],
  ["form", "Settings"],
  ["code", "Code"],
] as const;
const UNSENT = "What you typed is kept in this tab. Save it again once the server answers.";

interface OpenProps {
  project: string;
  path: string;
  drafting: Drafting;
}

export function Open({ project, path, drafting }: OpenProps) {
  const { draft, change, undo, redo, save, discard, adopt } = drafting;
  if (!draft) throw new Error("there is a draft before it is opened");
  const { text } = draft;
  const navigate = route.useNavigate();
  const search = route.useSearch();
  const assets = useAssets(project).value?.items ?? [];
  // Whoever types waits for nothing: what is drawn of the text follows. Who goes on elsewhere has all of it there.
  const [isTyping, setTyping] = useState(false);
  const late = useDeferredValue(text);
  const seen = isTyping ? late : text;
  const read = useText(project, seen, assets);
  const { design, own } = useDesign(read);
  const tabs = isDrawn(read.kind) ? WORKFLOW_TABS : TABS;
  const tab = search.tab ?? tabs[0][0];
  const [problem, setProblem] = useState<Problem>();
  const [conflict, setConflict] = useState<Conflict>();
  const lacks = useLacks("project:write");
  const isReadOnly = lacks !== undefined;
  const hasChanges = isDirty(draft);
  const findings = useOwnFindings(project, path, seen, hasChanges);
  // What was refused is another text now.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is about the text
  useEffect(() => setProblem(undefined), [text]);
  const isHeard = useHeard();
  // Once the server answers again, that it did not is past: what is unsaved can be saved.
  useEffect(() => {
    if (isHeard) setProblem((it) => (it?.detail === UNREACHED.detail ? undefined : it));
  }, [isHeard]);
  const send = async () => {
    // What is typed in a field reaches the text when it is left: it is told so, and keeps the keyboard.
    focused()?.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
    setProblem(undefined);
    try {
      await save();
    } catch (error) {
      const found = problemIn(error);
      const other = conflictIn(found);
      if (other) setConflict(withBase(other, draft.base));
      else setProblem(found === UNREACHED ? { ...found, hint: UNSENT } : found);
    }
  };
  useKeys({ undo, redo, save: () => void send() });
  useGuard(hasChanges);
  const goTo = (at: Path, begun?: unknown) => {
    const now = begun === undefined ? text : withValue(text, at, begun);
    change(() => now);
    const line = String(now.slice(0, offsetOf(now, at) ?? 0).split("\n").length);
    void navigate({
      search: (it) => ({
        ...it,
        tab: it.tab === "split" ? it.tab : "code",
        line,
        column: undefined,
      }),
      replace: true,
    });
  };
  const openAsset = (kind: Kind, name: string) => {
    const found = assets.find((it) => it.kind === kind && it.name === name);
    if (found)
      void navigate({
        to: "/projects/$project/assets/$",
        params: { project, _splat: found.path },
      });
  };
  const mend = useMemo<Mend>(() => {
    if (isReadOnly) return () => undefined;
    const ofWorkflow = mends(seen, design);
    return (it) => fixOf(seen, it) ?? ofWorkflow(it);
  }, [isReadOnly, seen, design]);
  const marks = useMemo(
    () => findings.map((it) => markOf(it, mend(it), change)),
    [findings, mend, change],
  );
  const lines = useMemo(() => (tab === "split" ? linesOf(seen) : []), [tab, seen]);
  const code = (
    <Suspense fallback={<Loading lines={8} />}>
      <Code
        text={text}
        label={`Text of ${path}`}
        marks={marks}
        schema={read.schema}
        isReadOnly={isReadOnly}
        line={search.line ? Number(search.line) : undefined}
        column={search.column ? Number(search.column) : undefined}
        chosen={lines.find((it) => it.stage === search.stage)}
        onCursor={(at) => {
          const stage = stageAt(lines, seen, at);
          if (stage && stage !== search.stage)
            void navigate({ search: (it) => ({ ...it, stage }), replace: true });
        }}
        onLeave={() => setTyping(false)}
        onChange={(it) => {
          setTyping(true);
          change(it, "typing");
        }}
        onUndo={undo}
        onRedo={redo}
        onSave={() => void send()}
      />
    </Suspense>
  );
  const goToLine = (it: Finding) =>
    void navigate({
      search: (all) => ({
        ...all,
        tab: all.tab === "form" || all.tab === "split" ? all.tab : "code",
        line: String(it.line),
        column: String(it.column),
      }),
      replace: true,
    });
  // There may be many, and choosing a stage changes none.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the router's way to go stays the same
  const problems = useMemo(
    () => <OwnProblems all={findings} mend={mend} onGo={goToLine} onMend={change} />,
    [findings, mend, change],
  );
  const forms = {
    findings,
    project,
    path,
    read,
    assets,
    isReadOnly,
    change,
    text: seen,
    onCode: goTo,
    onOpen: openAsset,
  };
  return (
    <Page
      title={read.name ?? path}
      mark={
        <span className="row">
          <span className="muted">{read.kind ?? "no asset yet"}</span>
          {hasChanges ? (
            <span data-tone="warn" className={css.mark}>
              ● unsaved
            </span>
          ) : (
            <span className={css.mark}>saved</span>
          )}
          <Problems {...countOf(findings)} />
        </span>
      }
      actions={
        <>
          <Act
            label="Undo"
            claim="project:write"
            not={!isUndoable(draft) && "Nothing was changed"}
            onAct={undo}
          />
          <Act
            label="Redo"
            claim="project:write"
            not={draft.future.length === 0 && "Nothing was undone"}
            onAct={redo}
          />
          <Act
            label="Discard"
            claim="project:write"
            not={!hasChanges && "Nothing is unsaved"}
            onAct={discard}
          />
          <Act
            label={drafting.isBusy ? "Saving …" : "Save"}
            claim="project:write"
            isMain
            not={(!hasChanges && "Nothing is unsaved") || (drafting.isBusy && "It is on its way")}
            onAct={() => void send()}
          />
          <CopyCli command={sh`weir project show ${project} ${path}`} />
        </>
      }
    >
      <nav className="row small" aria-label="Where this is">
        <Link to="/projects">Projects</Link> /{" "}
        <Link to="/projects/$project" params={{ project }} search={{ asset: path }}>
          {project}
        </Link>{" "}
        / <span className="mono">{path}</span>
        {read.kind === "Workflow" && (
          <Beyond project={project} workflow={read.name} isUnsaved={hasChanges} />
        )}
      </nav>
      {lacks && (
        <p className={css.notice}>
          You may read this and change nothing of it: that needs the claim project:write.
        </p>
      )}
      {problem && <ProblemView problem={problem} onRetry={() => void send()} />}
      {drafting.theirs && (
        <Elsewhere
          of={drafting.theirs}
          hasChanges={hasChanges}
          // What is based on another text is refused, with both.
          onLook={() => void send()}
        />
      )}
      {drafting.isKept && hasChanges && (
        <p className={css.notice}>
          What you had typed and not saved is here again.{" "}
          <Link to="." onClick={discard}>
            Discard it
          </Link>
        </p>
      )}
      <Tabs all={tabs} at={tab} />
      {tab === "design" && read.problem && (
        <Panel title="Design">
          <Unreadable problem={read.problem} />
        </Panel>
      )}
      {(tab === "split" || (tab === "design" && !read.problem)) && (
        <Suspense fallback={<Loading lines={10} />}>
          <Designer
            {...forms}
            path={path}
            findings={findings}
            design={design}
            own={own}
            mend={mend}
            code={tab === "split" ? code : undefined}
            notice={read.problem && <Unreadable problem={read.problem} />}
          />
        </Suspense>
      )}
      {tab === "form" && (
        <div className={css.halves}>
          <Panel title={read.kind ?? "Form"} flush>
            <div className={css.scrolls} style={{ height: "100%" }}>
              {read.problem ? <Unreadable problem={read.problem} /> : <FormView {...forms} />}
            </div>
          </Panel>
          <Panel title="Code" flush>
            <div className={css.whole}>{code}</div>
          </Panel>
        </div>
      )}
      {tab === "code" && (
        <div className={css.tall}>
          <Panel title="Code" flush>
            <div className={css.whole}>{code}</div>
          </Panel>
        </div>
      )}
      <Panel
        title={`Problems of this asset`}
        side={
          hasChanges && (
            <span className="muted small">
              {findings.length > 0 && `${plural(findings.length, "problem")}; `}
              of the text as it is now
            </span>
          )
        }
        flush
      >
        {problems}
      </Panel>
      {conflict && (
        <Suspense>
          <ConflictDialog
            conflict={conflict}
            onSend={save}
            onOther={setConflict}
            onTakeTheirs={(it) => {
              adopt(it);
              setConflict(undefined);
            }}
            onClose={() => setConflict(undefined)}
          />
        </Suspense>
      )}
    </Page>
  );
}

/** A server that began anew knows what was read no more; the page does. */
function withBase(it: Conflict, base: string): Conflict {
  const { path, theirs, yours } = it;
  const isKnown = typeof it.base === "string" || !theirs || typeof yours !== "string";
  return isKnown ? it : conflictOf(path, base, yours, theirs);
}

/** Somebody else wrote it, or took it away, while something of it is not saved here. */
function Elsewhere(props: { of: Theirs; hasChanges: boolean; onLook: () => void }) {
  const { of, hasChanges, onLook } = props;
  return (
    <p className={css.notice} data-tone="warn" role="status">
      {of.is === "gone" ? (
        `It is not there any more: somebody deleted or renamed it. ${hasChanges ? "Save writes it anew." : "What you see is what it was."}`
      ) : (
        <>
          Somebody else saved another version of it. What you see is what you had, with what you
          changed; nothing of theirs is lost before you choose.{" "}
          <button type="button" className={css.small} onClick={onLook}>
            Look at both
          </button>
        </>
      )}
    </p>
  );
}

/** What is wrong with it, each with where that is and what can be done at once. */
function OwnProblems(props: {
  all: readonly Finding[];
  mend: Mend;
  onGo: (it: Finding) => void;
  onMend: (text: string) => void;
}) {
  const { all, mend, onGo, onMend } = props;
  return (
    <Findings
      all={all}
      about={(it) => (
        <button type="button" className={css.small} onClick={() => onGo(it)}>
          line {it.line}
        </button>
      )}
      fix={(it) => {
        const fix = mend(it);
        return (
          fix && (
            <button type="button" className={css.small} onClick={() => onMend(fix.text())}>
              {fix.title}
            </button>
          )
        );
      }}
    />
  );
}

/** Forms and the canvas wait until the code can be read again. */
function Unreadable({ problem }: { problem: NonNullable<Read["problem"]> }) {
  return (
    <p className={css.notice} data-tone="err">
      Line {problem.line} of the code can’t be read: {problem.message}
    </p>
  );
}

function markOf(it: Finding, fix: Fix | undefined, change: Drafting["change"]): Mark {
  return {
    line: it.line,
    column: it.column,
    severity: it.severity === "error" ? "error" : "warning",
    message: it.fix ? `${it.cause}\n${it.fix}` : it.cause,
    fix: fix && { title: fix.title, apply: () => change(fix.text()) },
  };
}

/** Also within an editor, which stands in a tree of its own. */
function focused(): HTMLElement | null {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at as HTMLElement | null;
}

/** Keys of the whole editor, wherever one is in it. */
function useKeys(on: { undo: () => void; redo: () => void; save: () => void }) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const key = event.key.toLowerCase();
      const target = event.composedPath()[0] as HTMLElement;
      // The code has the same keys itself, and a field what was typed in it.
      const isTyping = target.matches?.("input, textarea, [contenteditable=true]");
      // The browser's own way to save is meant nowhere; of dialogs, only a large script is a part of the text.
      if (key === "s") event.preventDefault();
      const isScript = event
        .composedPath()
        .some((it) => (it as Element).matches?.("[data-code=field]"));
      if (document.querySelector("[role=dialog]") && !(isScript && key === "s")) return;
      if (key === "s") on.save();
      else if (isTyping) return;
      else if (key === "z" && event.shiftKey) on.redo();
      else if (key === "z") on.undo();
      else if (key === "y") on.redo();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });
}

/** Who closes the page is asked; within it what was typed stays, and is said to be unsaved. */
function useGuard(hasChanges: boolean) {
  useBlocker({
    shouldBlockFn: () => false,
    enableBeforeUnload: () => hasChanges,
    disabled: !hasChanges,
  });
}
