// A field that holds a script or an expression: the editor comes when it is shown, what is wrong stands below it.
import { useQueries } from "@tanstack/react-query";
import { Suspense, useCallback, useMemo, useState } from "react";
import { Dialog } from "../../parts/Dialog";
import { lazy } from "../../parts/lazy";
import { effective, useAssets } from "../projects/projects";
import { findingsAt, spotOf } from "./at";
import css from "./editor.module.css";
import { useForms } from "./Form";
import { fieldsBefore, type Lookup, type Named, namedBefore } from "./fields";
import type { Language } from "./languages";
import { type Path, valueAt } from "./text";

const ScriptEditor = lazy(() =>
  import("./ScriptEditor").then((it) => ({ default: it.ScriptEditor })),
);

interface ScriptProps {
  language: Language;
  label: string;
  path: Path;
  text: string;
  isReadOnly: boolean;
  /** It was just added, to be typed in. */
  isFocused?: boolean;
  onChange: (text: string) => void;
  onLeave: () => void;
}

export function Script(props: ScriptProps) {
  const { findings, whole } = useForms();
  const { path, text, label } = props;
  const [isLarge, setLarge] = useState(false);
  const key = JSON.stringify(path);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a path is made anew each time
  const spots = useMemo(
    () => findingsAt(findings, path, whole).map((it) => spotOf(it, text)),
    [findings, whole, text, key],
  );
  const fields = useFields(path);
  const editor = (more: { isLarge?: boolean; isFocused?: boolean } = {}) => (
    <Suspense fallback={<pre className={css.script}>{text}</pre>}>
      <ScriptEditor {...props} {...more} spots={spots} fields={fields} />
    </Suspense>
  );
  return (
    <>
      {isLarge ? <pre className={css.script}>{text}</pre> : editor()}
      {text.includes("\n") && (
        <button type="button" className={css.small} onClick={() => setLarge(true)}>
          Open large<span className="hidden"> {label}</span>
        </button>
      )}
      {isLarge && (
        <Dialog title={label} size="min(1100px, 95vw)" onClose={() => setLarge(false)}>
          {editor({ isLarge: true, isFocused: true })}
          <p className="muted small">
            Tab goes on, Ctrl ] indents, Ctrl Space proposes. What is typed is in the workflow at
            once.
          </p>
        </Dialog>
      )}
    </>
  );
}

const NONE: string[] = [];

/** Who moves from field to field does not ask again in each. */
const FRESH_MS = 60_000;

/** What the project says of these. */
function useSaid(project: string, all: readonly Named[]): Lookup {
  const assets = useAssets(project).value?.items ?? [];
  const parts = all.flatMap(({ kind, name }) => {
    const found = assets.find((it) => it.kind === kind && it.name === name);
    return found ? [{ kind, name, path: found.path }] : [];
  });
  const specs = useQueries({
    queries: parts.map((it) => ({ ...effective(project, it.path), staleTime: FRESH_MS })),
    combine: (all) => all.map((it) => it.data),
  });
  const key = JSON.stringify(parts);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the parts are made anew each time
  return useCallback(
    (kind, name) => specs[parts.findIndex((it) => it.kind === kind && it.name === name)],
    [specs, key],
  );
}

/** What records have when they come to the stage that is edited: of the project, what they pass there is asked for. */
function useFields(path: Path): readonly string[] {
  const { project, whole } = useForms();
  const at = path[2];
  const stage = path[1] === "stages" && typeof at === "object" ? at.name : undefined;
  const named = (lookup: Lookup) =>
    stage === undefined ? [] : namedBefore(valueAt(whole, ["spec"]), stage, lookup);
  // Formats that a source names are known once the source is.
  const sources = useSaid(
    project,
    named(() => undefined),
  );
  const said = useSaid(project, named(sources));
  return useMemo(
    () => (stage === undefined ? NONE : fieldsBefore(valueAt(whole, ["spec"]), stage, said)),
    [whole, stage, said],
  );
}
