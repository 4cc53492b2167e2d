import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { ReactFlowProvider, useReactFlow } from "@xyflow/react";
import {
  type CSSProperties,
  type KeyboardEvent,
  type ReactNode,
  Suspense,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { problemIn } from "../../api/problem";
import { useNearby } from "../../app/nearby";
import { nameOf, useSession } from "../../app/session";
import { plural } from "../../logic/format";
import { useLacks } from "../../parts/Act";
import { Divider } from "../../parts/Divider";
import { Hint } from "../../parts/Hint";
import { lazy } from "../../parts/lazy";
import { Empty } from "../../parts/Shows";
import { type EditProps, useFormsOf } from "../editor/FormView";
import type { Mend } from "../editor/findings";
import { countOf } from "../projects/Problems";
import { assetOf, type Finding } from "../projects/projects";
import { passed } from "../samples/passages";
import { useTrial } from "../samples/useTrial";
import { ABOVE, keepAbove, keptAbove } from "./above";
import { Canvas } from "./Canvas";
import {
  added,
  connected,
  copied,
  type Design,
  type DesignEdge,
  type DesignStage,
  disconnected,
  freeName,
  hasFormat,
  inFlow,
  misfit,
  pasted,
  removed,
  renamed,
} from "./design";
import css from "./designer.module.css";
import { Inspector } from "./Inspector";
import { stageOf } from "./mend";
import { Palette } from "./Palette";
import { type Item, items, nameFor, snippets } from "./palette";
import { keepPlaces, keptPlaces, type Place, type Places, placed, tidied } from "./places";
import { Quick } from "./Quick";
import {
  isStep as isArrow,
  neighbour,
  toCode,
  toInspector,
  toPalette,
  toProblems,
  toStage,
} from "./regions";
import { inserted, stagesOf, type Where } from "./snippet";
import { brought, followed, opened, type Size, type View, whole } from "./view";

// What is not there at first sight is read when it is wanted.
const TryIt = lazy(() => import("../samples/TryIt").then((it) => ({ default: it.TryIt })));
const Connect = lazy(() => import("./Dialogs").then((it) => ({ default: it.Connect })));
const Behind = lazy(() => import("./Dialogs").then((it) => ({ default: it.Behind })));
const SaveSnippet = lazy(() => import("./SaveSnippet").then((it) => ({ default: it.SaveSnippet })));

const route = getRouteApi("/frame/projects/$project/assets/$");
/** What was copied, for this workflow or another one; in the tab. */
const COPIED = "weir.copied";

interface DesignerProps extends EditProps {
  path: string;
  findings: readonly Finding[];
  design: Design;
  own: readonly string[];
  mend: Mend;
  /** The text itself, to stand beside what is drawn instead of the form. */
  code: ReactNode;
  /** Why what is drawn is not what the text says now. */
  notice: ReactNode;
}

/** A workflow is drawn here. Everything that is done changes its text, and undoing is undoing that. */
export function Designer(props: DesignerProps) {
  return (
    <ReactFlowProvider>
      <Drawing {...props} />
    </ReactFlowProvider>
  );
}

function Drawing(props: DesignerProps) {
  const { text, read, change, assets, findings, project, path } = props;
  const { own, mend, code } = props;
  // While the text can't be read, what it last said is what is shown.
  const isUnreadable = read.problem !== undefined;
  const readable = useRef(props.design);
  if (!isUnreadable) readable.current = props.design;
  const it = readable.current;
  const lacks = useLacks("project:write");
  const not = lacks ?? (isUnreadable ? "The code can’t be read" : undefined);
  const isReadOnly = props.isReadOnly || isUnreadable;
  const { stage: chosen, trial: isTrying } = route.useSearch();
  const navigate = route.useNavigate();
  const flow = useReactFlow();
  const forms = useFormsOf(props);
  const isSnippet = read.kind === "Snippet";
  const all = useMemo(() => {
    if (!read.schema) return [];
    return [...items(read.schema, assets), ...snippets(assets.filter((it) => it.path !== path))];
  }, [read.schema, assets, path]);
  const of = `${project}/${read.name ?? ""}`;
  const [moved, setMoved] = useState<Places>(() => keptPlaces(of));
  const lastPlaces = useRef<Places>(moved);
  const frame = useRef<HTMLDivElement>(null);
  const places = useMemo(() => {
    const known = Object.fromEntries(
      it.stages.flatMap(({ id }) => {
        const at = moved[id] ?? lastPlaces.current[id];
        return at ? [[id, at]] : [];
      }),
    );
    lastPlaces.current = placed(it, known);
    return lastPlaces.current;
  }, [it, moved]);
  const [selected, setSelected] = useState<ReadonlySet<string>>(
    () => new Set(chosen ? [chosen] : []),
  );
  const [edge, setEdge] = useState<DesignEdge>();
  const [told, setTold] = useState("");
  const [above, setAbove] = useState(keptAbove);
  const [asked, setAsked] = useState<"connect" | "snippet" | { from: string; port: string }>();
  // What the address says, also before the page is drawn with it. What is no step is in the place of what is no more.
  const now = useRef(chosen);
  const show = (of: (size: Size, now: View) => View | undefined) => {
    const canvas = frame.current?.querySelector(".react-flow")?.getBoundingClientRect();
    const view = canvas && of(canvas, flow.getViewport());
    if (view) void flow.setViewport(view);
  };
  const bring = (id: string) => show((size, now) => brought(places, [id], now, size));
  // What is shown once the text is drawn that makes it so.
  const awaited = useRef<"all" | { ids: readonly string[]; before: Places }>(undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it follows where the stages stand
  useEffect(() => {
    const wanted = awaited.current;
    awaited.current = undefined;
    if (wanted === "all") show((size) => opened(places, size));
    else if (wanted) {
      const { before, ids } = wanted;
      show((size, now) => followed(before, places, ids, now, size));
    }
  }, [places]);
  const select = useCallback(
    (ids: ReadonlySet<string>, on?: DesignEdge, isStep = true) => {
      setSelected(ids);
      setEdge(on);
      const [only] = ids;
      const stage = ids.size === 1 ? only : undefined;
      if (stage === now.current) return;
      now.current = stage;
      void navigate({ search: (was) => ({ ...was, stage }), replace: !isStep, resetScroll: false });
    },
    [navigate],
  );
  // The code beside chooses by its cursor, and the way back chooses, too.
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was chosen elsewhere is told once
  useEffect(() => {
    now.current = chosen;
    if (!chosen && selected.size === 1) setSelected(new Set());
    if (!chosen || (selected.size === 1 && selected.has(chosen))) return;
    if (!it.stages.some((one) => one.id === chosen)) return;
    setSelected(new Set([chosen]));
    setEdge(undefined);
    bring(chosen);
  }, [chosen]);
  const chosenStages = it.stages.filter((one) => selected.has(one.id));
  const [single] = chosenStages.length === 1 ? chosenStages : [];
  const byStage = useMemo(() => {
    const found = new Map<string, Finding[]>();
    for (const one of findings) {
      const stage = stageOf(one, own);
      if (stage) found.set(stage, [...(found.get(stage) ?? []), one]);
    }
    return found;
  }, [findings, own]);
  const problemsOf = useCallback((id: string) => countOf(byStage.get(id) ?? []), [byStage]);
  const isInherited = useCallback(
    (id: string) => read.parent !== undefined && !own.includes(id),
    [read.parent, own],
  );
  const { me, ended } = useSession();
  const workflow = read.name ?? "";
  const user = ended ?? nameOf(me);
  const trial = useTrial({ of: `${user}/${project}/${path}`, user, project, workflow, path, text });
  const run = isTrying ? trial.run : undefined;
  const passedBy = useCallback((one: DesignEdge) => passed(run, one), [run]);
  const failedAt = useCallback(
    (id: string) => run?.stages.find((one) => one.stage === id)?.failed ?? 0,
    [run],
  );
  const isBare = (one: DesignStage) =>
    one.role === "source" && read.schema !== undefined && hasFormat(read.schema, one) === false;
  // Drawn first in its new size.
  const fitAll = () => void setTimeout(() => show((size) => opened(lastPlaces.current, size)), 60);
  const wasTrying = useRef(isTrying);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is about what is open
  useEffect(() => {
    if (wasTrying.current !== isTrying) fitAll();
    wasTrying.current = isTrying;
  }, [isTrying]);
  const tryIt = (isOpen: boolean) =>
    void navigate({
      search: (was) => ({ ...was, trial: isOpen ? "open" : undefined }),
      replace: true,
    });
  // Where all stood before it was laid out anew, or before the last move: the text knows nothing of it.
  const [before, setBefore] = useState<Places>();
  const move = (now: Places) => {
    setBefore(places);
    setMoved(now);
    keepPlaces(of, now);
  };
  // What is typed while a snippet is on its way is not lost: it is put into the text as it is then.
  const latest = useRef({ text, it });
  latest.current = { text, it };
  const putIn = async (item: Item, where: Where) => {
    setAsked(undefined);
    try {
      const asset = await assetOf(project, item.path ?? "");
      const now = latest.current;
      const made = inserted(now.text, now.it, stagesOf(asset.text), where);
      awaited.current = { ids: made.names, before: lastPlaces.current };
      change(made.text);
      select(new Set(made.names));
      setTold(`Added ${made.names.join(", ")} of ${item.title}`);
    } catch (error) {
      setTold(`Not added: ${problemIn(error).title}`);
    }
  };
  const add = (item: Item, where: Where, at?: Place) => {
    if (item.role === "snippet") return void putIn(item, where);
    const name = freeName(
      it.stages.map((one) => one.id),
      nameFor(item),
    );
    const stage = { name, role: item.role, slot: structuredClone(item.slot) };
    awaited.current = { ids: [name], before: places };
    change(added(text, it, stage, where));
    // On an edge it stands where it leads: what comes behind makes room.
    if (at && !where.on) move({ ...places, [name]: at });
    select(new Set([name]));
    const behind = where.on?.from ?? where.behind?.from;
    setTold(`Added ${name}${behind && item.role !== "source" ? ` behind ${behind}` : ""}`);
    setAsked(undefined);
  };
  /** Where the next stage goes that is chosen in the palette. */
  const where = (() => {
    if (edge) return { on: edge };
    const port =
      single?.ports.find(
        (port) => !it.edges.some((one) => one.from === single.id && one.port === port),
      ) ?? single?.ports[0];
    return single && port ? { behind: { from: single.id, port } } : {};
  })();
  const whereSaid = where.on
    ? `Goes between ${where.on.from} and ${where.on.to}`
    : where.behind
      ? `Goes behind ${where.behind.from}`
      : "Goes by itself: select a stage to add behind it";
  const connect = (one: DesignEdge) => {
    const why = misfit(it, one);
    if (why) return setTold(`Not connected: ${why}`);
    change(connected(text, it, one));
    setTold(`Connected ${one.from} to ${one.to}`);
  };
  const remove = () => {
    if (edge) {
      change(disconnected(text, it, [edge]));
      setTold(`Disconnected ${edge.from} from ${edge.to}`);
    } else if (selected.size > 0) {
      change(removed(text, it, [...selected]));
      setTold(`Deleted ${plural(selected.size, "stage")}`);
    } else return;
    select(new Set(), undefined, false);
  };
  const copy = () => {
    if (selected.size === 0) return;
    sessionStorage.setItem(COPIED, JSON.stringify(copied(it, [...selected])));
    setTold(`Copied ${plural(selected.size, "stage")}`);
  };
  const paste = (stages = JSON.parse(sessionStorage.getItem(COPIED) ?? "[]")) => {
    if (stages.length === 0) return;
    const made = pasted(text, it, stages);
    awaited.current = { ids: made.names, before: places };
    change(made.text);
    select(new Set(made.names));
    setTold(`Pasted ${made.names.join(", ")}`);
  };
  const putBack = () => {
    if (before) move(before);
    setTold("Put back where it stood");
  };
  /** From stage to stage, with the keyboard. */
  const goToStage = (id: string) => {
    select(new Set([id]));
    bring(id);
    toStage(id);
  };
  const tidy = () => {
    setBefore(places);
    lastPlaces.current = tidied(it);
    setMoved({});
    keepPlaces(of, undefined);
    awaited.current = "all";
    setTold("Laid out anew");
  };
  const rename = (from: string, to: string) => {
    lastPlaces.current = { ...lastPlaces.current, [to]: places[from] ?? { x: 0, y: 0 } };
    change(renamed(text, it, from, to));
    select(new Set([to]), undefined, false);
  };
  useNearby(() =>
    it.stages.map(({ id }) => ({
      title: id,
      kind: `Stage of ${workflow || "this workflow"}`,
      path: `#stage/${id}`,
      onDo: () => goToStage(id),
    })),
  );
  const toCanvas = () => toStage(single?.id ?? inFlow(it)[0]?.id);
  const onKey = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    const isOpen = target.getAttribute("aria-expanded") === "true";
    if (event.key === "Escape" && target.closest("aside") && !isOpen && !event.defaultPrevented)
      return toCanvas();
    if (target.closest("input, textarea, [role=dialog], [data-dock], [data-code]")) return;
    const stands = target.closest<HTMLElement>(".react-flow__node")?.dataset.id;
    const next =
      stands && !event.shiftKey && !event.altKey && isArrow(event.key)
        ? { id: neighbour(places, stands, event.key) }
        : undefined;
    if (next) {
      // With Shift the stage itself is moved.
      event.preventDefault();
      event.stopPropagation();
      if (next.id) goToStage(next.id);
      return;
    }
    const isCommand = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    const acts: Record<string, (() => void) | undefined> = isCommand
      ? {
          c: copy,
          x: () => {
            copy();
            remove();
          },
          v: () => paste(),
          d: () => paste(copied(it, [...selected])),
          a: () => select(new Set(it.stages.map((one) => one.id))),
        }
      : {
          delete: remove,
          backspace: remove,
          a: toPalette,
          c: single && (() => setAsked("connect")),
          f: () => show((size) => whole(places, size)),
          t: tidy,
          r: isSnippet ? undefined : () => tryIt(!isTrying),
          s: selected.size > 0 ? () => setAsked("snippet") : undefined,
          e: single && (() => (code ? toCode() : toInspector())),
          p: () => {
            if (!toProblems()) setTold("There are no problems");
          },
        };
    if (event.shiftKey && key === "t" && !isCommand) {
      event.preventDefault();
      return before && putBack();
    }
    const act = event.altKey ? undefined : acts[key];
    const isLooking = ["f", "a", "e", "r", "p"].includes(key) || (isCommand && key === "c");
    if (!act || (isReadOnly && !isLooking)) return;
    if (isCommand && key === "c" && getSelection()?.toString()) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  // Who comes to the page is at its title: the palette is a key away from there, too.
  useEffect(() => {
    const onTitle = (event: globalThis.KeyboardEvent) => {
      const { key, target, defaultPrevented } = event;
      if (defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const isAtTitle = target === document.body || (target as HTMLElement).tagName === "H1";
      if (!isAtTitle || document.querySelector("[role=dialog]")) return;
      const to = { a: toPalette, e: toInspector, p: toProblems }[key];
      if (!to) return;
      event.preventDefault();
      to();
    };
    document.addEventListener("keydown", onTitle);
    return () => document.removeEventListener("keydown", onTitle);
  }, []);
  const goTo = (one: Finding) => {
    const stage = stageOf(one, own);
    if (stage) goToStage(stage);
  };
  const quick = useMemo(
    () =>
      findings.flatMap((one) => {
        const fix = mend(one);
        return fix ? [{ it: one, fix }] : [];
      }),
    [findings, mend],
  );
  const drop = (id: string, at: Place, on: DesignEdge | undefined) => {
    const item = all.find((one) => one.id === id);
    if (item && !isReadOnly) add(item, on ? { on } : {}, at);
  };
  return (
    <>
      {!isTrying && (
        <Hint id="designer">
          <p>
            <strong>What you see:</strong> the workflow as it is written, not as it runs.{" "}
            {lacks ? (
              "Choose a stage to read at the right what it does."
            ) : (
              <>
                Choose a stage to change it at the right; drag another one from the left, or choose
                it there, and it goes behind the stage that is chosen. <em>Try it …</em> runs all of
                it on records that you paste, and writes nothing.
              </>
            )}{" "}
            What was saved runs once it is deployed.
          </p>
        </Hint>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: keys of all that is in it */}
      <div
        className={css.designer}
        data-trial={isTrying || undefined}
        data-split={code ? true : undefined}
        ref={frame}
        style={{ "--above": above } as CSSProperties}
        tabIndex={-1}
        data-designer=""
        onKeyDownCapture={(event) => {
          // The canvas would move the stage with them.
          if (isArrow(event.key) && !event.shiftKey) onKey(event);
        }}
        onKeyDown={onKey}
        onClick={() => {
          // The open canvas takes no focus by itself, and its keys would be lost.
          if (document.activeElement === document.body)
            frame.current?.focus({ preventScroll: true });
        }}
      >
        <button type="button" className={css.skip} onClick={toCanvas}>
          Skip to the canvas
        </button>
        <Palette all={all} where={whereSaid} not={not} onAdd={(item) => add(item, where)} />
        <div className={css.middle}>
          <div className={css.tools} role="toolbar" aria-label="Tools">
            <Tool
              label="Connect …"
              keys="c"
              not={not ?? !single}
              onAct={() => setAsked("connect")}
            />
            <Tool label="Copy" keys="Ctrl C" not={selected.size === 0} onAct={copy} />
            <Tool
              label="Paste"
              keys="Ctrl V"
              not={not ?? !sessionStorage.getItem(COPIED)}
              onAct={() => paste()}
            />
            <Tool
              label="Duplicate"
              keys="Ctrl D"
              not={not ?? selected.size === 0}
              onAct={() => paste(copied(it, [...selected]))}
            />
            <Tool
              label="Delete"
              keys="Del"
              not={not ?? (selected.size === 0 && !edge)}
              onAct={remove}
            />
            <Tool
              label="Save as snippet …"
              keys="s"
              not={not ?? selected.size === 0}
              onAct={() => setAsked("snippet")}
            />
            <Tool label="Tidy" keys="t" not={it.stages.length === 0} onAct={tidy} />
            <Tool label="Put back" keys="Shift T" not={!before} onAct={putBack} />
            <Tool
              label="Try it …"
              keys="r"
              not={isSnippet || (it.stages.length === 0 && !isTrying)}
              isOn={isTrying !== undefined}
              onAct={() => tryIt(!isTrying)}
            />
            <output className="muted small grow cut">
              {told || plural(it.stages.length, "stage")}
            </output>
          </div>
          {it.stages.length === 0 ? (
            <DropHere
              onDrop={(event) => {
                const id = event.dataTransfer.getData("application/x-weir-stage");
                drop(id, { x: 8, y: 8 }, undefined);
              }}
            >
              <Empty
                what="There are no stages yet"
                why={
                  lacks
                    ? "Nobody has drawn any."
                    : "Begin with a source: drag it here, or choose it in the palette. What is selected feeds what is added next."
                }
                action={!lacks && <Button onClick={toPalette}>To the palette</Button>}
              />
            </DropHere>
          ) : (
            <Canvas
              name={read.name ?? "the workflow"}
              design={it}
              places={places}
              selected={selected}
              edge={edge}
              isReadOnly={isReadOnly}
              problemsOf={problemsOf}
              isInherited={isInherited}
              passedBy={passedBy}
              failedAt={failedAt}
              onSelect={select}
              onMove={move}
              onConnect={connect}
              onAsk={setAsked}
              onDrop={drop}
              onDrawn={() => show((size) => opened(places, size, single?.id))}
            />
          )}
        </div>
        {code && (
          <section className={css.beside} aria-label="Code of the workflow">
            {props.notice}
            {code}
          </section>
        )}
        {forms && !code && (
          <Inspector
            design={it}
            chosen={chosenStages}
            edge={edge}
            forms={forms}
            onChoose={(id) => {
              select(new Set([id]));
              bring(id);
            }}
            onEdge={(one) => select(new Set(), one)}
            onRename={rename}
          />
        )}
        {isTrying && (
          <Divider
            label="Height of the canvas, above what is tried"
            value={above}
            {...ABOVE}
            onChange={setAbove}
            onDone={(it) => {
              keepAbove(it);
              fitAll();
            }}
            className={css.divider}
          />
        )}
        {isTrying && (
          <Suspense fallback={null}>
            <TryIt
              project={project}
              workflow={workflow}
              path={path}
              text={text}
              assets={assets}
              trial={trial}
              sources={it.stages.filter((one) => one.role === "source").map((one) => one.id)}
              bare={it.stages.filter(isBare).map((one) => one.id)}
              chosen={single?.id}
              onChoose={(id) => select(new Set([id]))}
              onClose={() => tryIt(false)}
            />
          </Suspense>
        )}
        <Suspense fallback={null}>
          {asked === "connect" && single && (
            <Connect
              design={it}
              stage={single}
              onConnect={connect}
              onClose={() => setAsked(undefined)}
            />
          )}
          {asked === "snippet" && (
            <SaveSnippet
              project={project}
              workflow={workflow}
              design={it}
              chosen={it.stages.filter((one) => selected.has(one.id)).map((one) => one.id)}
              assets={assets}
              onSaved={(name) => setTold(`Saved the snippet ${name}`)}
              onClose={() => setAsked(undefined)}
            />
          )}
          {typeof asked === "object" && (
            <Behind
              from={asked}
              all={all}
              onAdd={(item) => add(item, { behind: asked })}
              onClose={() => setAsked(undefined)}
            />
          )}
        </Suspense>
        <Quick all={quick} onMend={change} onGo={goTo} />
      </div>
    </>
  );
}

function DropHere(props: { onDrop: React.DragEventHandler; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: choosing in the palette is the way of the keyboard
    <div
      className={css.canvas}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        props.onDrop(event);
      }}
    >
      {props.children}
    </div>
  );
}

interface ToolProps {
  label: string;
  keys: string;
  /** Whether it does nothing now, or why. */
  not: boolean | string;
  isOn?: boolean;
  onAct: () => void;
}

function Tool({ label, keys, not, isOn, onAct }: ToolProps) {
  return (
    <Button
      // Who has just deleted with it has the keyboard there still.
      aria-disabled={not ? true : undefined}
      data-disabled={not ? true : undefined}
      onClick={not ? undefined : onAct}
      title={typeof not === "string" ? not : keys}
      aria-pressed={isOn}
      aria-keyshortcuts={keys.replace(" ", "+")}
    >
      {label}
    </Button>
  );
}
