// A workflow is tried on a sample, as it is drawn now: what each stage made of which record. Nothing is written.
import { Button, Checkbox, Select } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type ReactNode, Suspense, useState } from "react";
import { sh } from "../../logic/shell";
import { Act, CopyCli } from "../../parts/Act";
import { lazy } from "../../parts/lazy";
import { ProblemView } from "../../parts/Problem";
import { Empty } from "../../parts/Shows";
import { Findings } from "../projects/Findings";
import type { Asset, Finding } from "../projects/projects";
import { keptCase } from "../tests/make";
import { FromRunning } from "./FromRunning";
import { type Given, isEmpty, NOTHING, unfit } from "./given";
import { Passages } from "./Passages";
import { counts, type InScript, inText, shortened, type TestRun, verdict } from "./passages";
import { SampleField } from "./SampleField";
import css from "./samples.module.css";
import { RECORDS, type Trial } from "./useTrial";

const KeepTest = lazy(() => import("../tests/KeepTest").then((it) => ({ default: it.KeepTest })));
const route = getRouteApi("/frame/projects/$project/assets/$");

/** What comes in does not fit the source. */
const NO_FORMAT = "WEIR-02270";

interface TryItProps {
  project: string;
  workflow: string;
  path: string;
  text: string;
  assets: readonly Asset[];
  trial: Trial;
  /** The names of the stages that read. */
  sources: readonly string[];
  /** Those of them that read no format, so that a text can be nothing but lines of JSON. */
  bare: readonly string[];
  chosen: string | undefined;
  onChoose: (stage: string) => void;
  onClose: () => void;
}

export function TryIt(props: TryItProps) {
  const { workflow, trial, sources, assets } = props;
  const { settings, set, run } = trial;
  const given = (source: string): Given => {
    const it = settings.samples[source] ?? NOTHING;
    return { ...it, isLines: it.isLines ?? props.bare.includes(source) };
  };
  const put = (source: string, it: Given) =>
    set({ samples: { ...settings.samples, [source]: it } });
  const environments = assets.flatMap((it) =>
    it.kind === "Environment" && it.name ? [it.name] : [],
  );
  const why =
    (sources.length === 0 && "There is no source that a sample could stand for") ||
    (sources.every((it) => isEmpty(given(it))) && "Paste a sample first") ||
    sources.map((it) => unfit(given(it))).find((it) => it !== undefined) ||
    (trial.isBusy && "It is running");
  const go = () => {
    if (!why) void trial.go(Object.fromEntries(sources.map((it) => [it, given(it)])));
  };
  const hasChosen = sources.find((it) => it === props.chosen);
  return (
    <section className={css.dock} aria-label="Try it" data-dock="">
      <div className={css.given}>
        <div className="row">
          <h2>Try it</h2>
          <div className="grow" />
          <CopyCli command={sh`weir test run ${workflow} --project DIR --sample FILE`} />
          <Act
            label={trial.isBusy ? "Running …" : run ? "Try again" : "Try it"}
            about="on the sample"
            claim="project:write"
            isMain
            not={why}
            onAct={go}
          />
          <Button onClick={props.onClose}>Close</Button>
        </div>
        <Samples sources={sources} first={hasChosen}>
          {(source) => (
            <>
              <SampleField
                label={`Sample of ${source}`}
                given={given(source)}
                onGo={go}
                onChange={(it) => put(source, it)}
              />
              <FromRunning
                workflow={workflow}
                source={source}
                onTake={(text) => put(source, { text, isLines: true })}
              />
              <Checkbox
                className={css.lines}
                label="One JSON object on each line, whatever the source’s format"
                checked={given(source).isLines}
                onChange={(event) =>
                  put(source, { ...given(source), isLines: event.currentTarget.checked })
                }
              />
            </>
          )}
        </Samples>
        <div className="row">
          <Select
            label="Records shown"
            data={[...RECORDS]}
            value={settings.records}
            allowDeselect={false}
            onChange={(it) => set({ records: it ?? RECORDS[0] })}
            w={112}
          />
          {environments.length > 0 && (
            <Select
              label="Environment"
              placeholder="the project’s"
              data={environments}
              value={settings.environment}
              clearable
              onChange={(environment) => set({ environment })}
              w={160}
            />
          )}
        </div>
        <p className="muted small">
          What is drawn is tried, saved or not
          {trial.unsaved.length > 0 && `, with what is not saved of ${trial.unsaved.join(", ")}`}.
          Nothing is written, no server is asked, no secret is opened. At most 4 MiB and 10 seconds.
        </p>
      </div>
      <div className={css.came}>
        {trial.problem && <ProblemView problem={trial.problem} onRetry={go} />}
        {run ? (
          <Came
            {...props}
            run={run}
            onLines={() =>
              set({
                samples: Object.fromEntries(
                  sources.map((it) => [it, { ...given(it), isLines: true }]),
                ),
              })
            }
          />
        ) : (
          !trial.problem && (
            <Empty
              what="Nothing was tried yet"
              why="Paste a few records as the source would read them. Then each stage shows what came in and what went out."
            />
          )
        )}
      </div>
    </section>
  );
}

/** Each source has a sample of its own; of several, those behind the first are folded. */
function Samples(props: {
  sources: readonly string[];
  first: string | undefined;
  children: (source: string) => ReactNode;
}) {
  const [only] = props.sources;
  if (props.sources.length === 1 && only) return props.children(only);
  return props.sources.map((it, at) => (
    <details key={it} className={css.source} open={props.first ? it === props.first : at === 0}>
      <summary>{it}</summary>
      {props.children(it)}
    </details>
  ));
}

function Came(props: TryItProps & { run: TestRun; onLines: () => void }) {
  const { project, path, text, trial, run, chosen } = props;
  const navigate = route.useNavigate();
  const { tone, words } = verdict(run);
  const stage =
    run.stages.find((it) => it.stage === chosen) ??
    run.stages.find((it) => it.fault || it.failed > 0) ??
    run.stages[0];
  const toCode = ({ line, column }: { line: number; column: number }) =>
    void navigate({
      search: (all) => ({ ...all, tab: "code", line: String(line), column: String(column) }),
    });
  const onScript = (at: InScript) => {
    // The text may be another one by now; then it is where it was.
    const place = stage && inText(text, stage.stage, at);
    return place && (() => toCode(place));
  };
  return (
    <>
      <div className={css.verdict} role="status">
        <strong data-tone={tone}>{words}</strong>
        {trial.isOld && <span className={css.old}>◆ of the text before your last change</span>}
        <div className="grow" />
        {run.stages.length > 0 && <Keep {...props} />}
        {run.stages.length > 0 && (
          <Checkbox
            label="Fields that are the same, too"
            checked={trial.settings.isWhole}
            onChange={(event) => trial.set({ isWhole: event.currentTarget.checked })}
          />
        )}
      </div>
      {run.faults?.map((it) => (
        <div key={it.code + it.message} className={css.failure}>
          <span>{shortened(it.message, 2_000)}</span>
          {it.hint && <p>{shortened(it.hint, 2_000)}</p>}
          <code className="muted">{it.code}</code>
        </div>
      ))}
      {run.ending === "invalid" && (
        <Findings
          all={run.findings ?? []}
          about={(it) => <Where project={project} path={path} of={it} onCode={toCode} />}
          fix={(it) =>
            it.code === NO_FORMAT &&
            /no format/.test(it.cause) && (
              <button type="button" className={css.link} onClick={props.onLines}>
                Take it as lines of JSON
              </button>
            )
          }
        />
      )}
      {stage && (
        <div className={css.stages}>
          <ul aria-label="Stages as they were tried">
            {run.stages.map((it) => (
              <li key={it.stage}>
                <button
                  type="button"
                  aria-pressed={it === stage}
                  onClick={() => props.onChoose(it.stage)}
                >
                  <strong className="cut">{it.stage}</strong>
                  <span className="muted small">
                    {counts({ ...it, failed: 0 })}
                    {it.failed + (it.fault ? 1 : 0) > 0 && (
                      <span data-tone="err" className={css.bad}>
                        {" "}
                        ✗ {it.failed > 0 ? `${it.failed} failed` : "it failed"}
                      </span>
                    )}
                  </span>
                </button>
              </li>
            ))}
          </ul>
          <Passages
            key={stage.stage}
            stage={stage}
            isWhole={trial.settings.isWhole}
            onScript={onScript}
          />
        </div>
      )}
    </>
  );
}

/** What was tried is kept as a test, or it is said why it can't be. */
function Keep({ project, workflow, assets, trial, run }: TryItProps & { run: TestRun }) {
  const [isOpen, setOpen] = useState(false);
  const [kept, setKept] = useState<{ path: string; run: TestRun }>();
  const { tried } = trial;
  if (!tried) return null;
  if (kept?.run === run)
    return (
      <Link to="/projects/$project/assets/$" params={{ project, _splat: kept.path }}>
        Kept as {kept.path}
      </Link>
    );
  const one = keptCase(run, tried);
  return (
    <>
      <Act
        label="Keep as a test …"
        claim="project:write"
        not={
          (trial.isOld && "It is of the text before your last change: try it again") ||
          ("not" in one && one.not)
        }
        onAct={() => setOpen(true)}
      />
      {isOpen && (
        <Suspense>
          <KeepTest
            {...{ project, workflow, assets, tried, run }}
            onKept={(path) => setKept({ path, run })}
            onClose={() => setOpen(false)}
          />
        </Suspense>
      )}
    </>
  );
}

/** Where something is wrong, as what leads there; of the sample itself nothing does. */
function Where(props: {
  project: string;
  path: string;
  of: Finding;
  onCode: (at: { line: number; column: number }) => void;
}) {
  const { project, path, of, onCode } = props;
  if (of.file === path)
    return (
      <button type="button" className={css.link} onClick={() => onCode(of)}>
        line {of.line}
      </button>
    );
  if (!/\.ya?ml$/.test(of.file)) return null;
  return (
    <Link
      className="small"
      to="/projects/$project/assets/$"
      params={{ project, _splat: of.file }}
      search={{ tab: "code", line: of.line > 0 ? String(of.line) : undefined }}
    >
      {of.file}:{of.line}
    </Link>
  );
}
