import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { DEFAULT_CLUSTER, place } from "../../api/place";
import { type Problem, problemIn } from "../../api/problem";
import { nameOf, useSession } from "../../app/session";
import { useLive } from "../../live";
import { plural } from "../../logic/format";
import { Act, CopyCli } from "../../parts/Act";
import { Page, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Empty, Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { useIntent } from "../../parts/useIntent";
import { commands, type Draft, isPast, keepDraft, keptDraft, seenOf, still } from "./draft";
import { Outdated, Plan } from "./Plan";
import { Ring } from "./Ring";
import { Bounds, Target, Weight } from "./Settings";
import css from "./scheduler.module.css";
import { Why } from "./Why";

type Workflow = Schemas["ScheduledWorkflow"];
const route = getRouteApi("/frame/scheduler");
/** Refused because of what it was looked at for: settings that somebody changed, or what was placed since. */
const OUTDATED = [409, 412];
const at = place.cluster ?? DEFAULT_CLUSTER;

/** How many of what runs where. Changes are drafted, looked at, and applied together. */
export function Scheduler() {
  const standing = useLive("schedule");
  const intent = useIntent();
  const { me, ended } = useSession();
  const user = ended ?? nameOf(me);
  const [draft, setDraft] = useState<Draft>(() => keptDraft(user, at));
  const [plan, setPlan] = useState<Schemas["SchedulePlan"]>();
  /** The draft, with the revisions that were seen. */
  const [seen, setSeen] = useState<Draft>({});
  const [problem, setProblem] = useState<Problem>();
  /** It went on since the preview, and what is followed does not tell yet. */
  const [isRefused, setRefused] = useState(false);
  const [isApplying, setApplying] = useState(false);
  /** Others have set what was drafted. */
  const [isDone, setDone] = useState(false);
  const { workflow } = route.useSearch();
  const drafted = (next: Draft) => {
    setDraft(next);
    keepDraft(user, at, next);
  };
  const edit = (next: Draft) => {
    drafted(next);
    setPlan(undefined);
    setProblem(undefined);
    setDone(false);
  };
  const { value: schedule } = standing;
  const count = Object.keys(draft).length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is another schedule that makes it another draft
  useEffect(() => {
    const left = schedule && still(draft, schedule);
    if (isApplying || !left || JSON.stringify(left) === JSON.stringify(draft)) return;
    drafted(left);
    setDone(Object.keys(left).length === 0);
  }, [schedule, isApplying]);
  const isOutdated =
    plan !== undefined &&
    !isApplying &&
    (isRefused || (schedule !== undefined && isPast(plan, seen, schedule)));
  const run = async (work: () => Promise<void>) => {
    setProblem(undefined);
    await work().catch((error: unknown) => setProblem(problemIn(error)));
  };
  const preview = () =>
    run(async () => {
      // What is followed may be a second old.
      setSeen(seenOf(draft, await answered(api.GET("/api/v1/scheduler"))));
      setRefused(false);
      setPlan(
        await answered(api.POST("/api/v1/scheduler:preview", { body: { workflows: draft } })),
      );
    });
  const apply = () =>
    run(async () => {
      // By the revisions that the plan was made for: others are refused.
      const body = { workflows: seen, revision: plan?.revision };
      setApplying(true);
      try {
        await answered(api.POST("/api/v1/scheduler:apply", { body, params: intent(body) }));
        edit({});
      } catch (error) {
        if (!plan || !OUTDATED.includes(problemIn(error).status)) throw error;
        // The draft stays, and is looked at again.
        const now = await answered(api.GET("/api/v1/scheduler"));
        if (!isPast(plan, seen, now)) throw error;
        setRefused(true);
      } finally {
        setApplying(false);
      }
    });
  return (
    <Page
      title="Scheduler"
      actions={
        <>
          {count > 0 && <span>{plural(count, "change")} drafted</span>}
          {count > 0 && <Act label="Discard" claim="schedule:read" onAct={() => edit({})} />}
          <Act
            label="Preview"
            claim="schedule:read"
            not={count === 0 && "Nothing is drafted"}
            isMain={count > 0 && !plan}
            onAct={() => void preview()}
          />
          <Act
            label="Apply"
            claim="schedule:write"
            isMain={plan !== undefined && !isOutdated}
            not={
              count === 0 || !plan
                ? "Preview it first"
                : isOutdated && "The schedule has changed since: preview it again"
            }
            onAct={() => void apply()}
          />
          <CopyCli command={commands(draft) || "weir scheduler show"} />
        </>
      }
    >
      {problem && <ProblemView problem={problem} />}
      {isDone && <p role="status">◇ What was drafted is set by now: somebody else did the same.</p>}
      {count > 0 && isOutdated && <Outdated onAgain={() => void preview()} />}
      {count > 0 && plan && !isOutdated && <Plan plan={plan} />}
      <Shows of={standing}>
        {(schedule) => (
          <>
            {schedule.warnings.map((it) => (
              <p key={it} role="status">
                ◆ {it}
              </p>
            ))}
            <Panel title="Workflows" flush>
              <Workflows schedule={schedule} draft={draft} onEdit={edit} />
            </Panel>
            {workflow && <Why workflow={workflow} />}
            <Panel title="Weight of nodes">
              <Loads schedule={schedule} plan={isOutdated ? undefined : plan} />
            </Panel>
          </>
        )}
      </Shows>
    </Page>
  );
}

function Workflows({
  schedule,
  draft,
  onEdit,
}: {
  schedule: Schemas["Schedule"];
  draft: Draft;
  onEdit: (it: Draft) => void;
}) {
  const navigate = useNavigate();
  const names = schedule.nodes.map((it) => it.name).sort();
  const why = (workflow: string) =>
    void navigate({ to: "/scheduler", search: { workflow }, replace: true });
  const columns: Column<Workflow>[] = [
    {
      id: "name",
      title: "Workflow",
      value: (it) => it.workflow,
      cell: (it) => <strong>{it.workflow}</strong>,
    },
    {
      id: "ring",
      title: "Where",
      cell: (it) => <Ring nodes={it.nodes} missing={it.missing} all={names} />,
    },
    {
      id: "target",
      title: "Target",
      value: (it) => it.target,
      cell: (it) => <Target of={it} draft={draft} onEdit={onEdit} />,
    },
    {
      id: "placed",
      title: "Placed",
      isNumber: true,
      value: (it) => it.placed,
      cell: (it) => (
        <span data-tone={it.missing > 0 ? "warn" : undefined} className={css.toned}>
          {it.placed}/{it.target}
        </span>
      ),
    },
    {
      id: "weight",
      title: "Weight",
      isNumber: true,
      value: (it) => it.settings.weight,
      cell: (it) => <Weight of={it} draft={draft} onEdit={onEdit} />,
    },
    {
      id: "limits",
      title: "Limits of a node",
      cell: (it) => <Bounds of={it} draft={draft} nodes={names} onEdit={onEdit} />,
    },
    {
      id: "states",
      title: "States",
      cell: (it) =>
        Object.entries(it.states).map(([state, n]) => (
          <span key={state}>
            <State name={state} /> {n > 1 && n}{" "}
          </span>
        )),
    },
    {
      id: "why",
      title: "",
      cell: (it) => (
        <button type="button" className={css.why} onClick={() => why(it.workflow)}>
          Why<span className="hidden"> {it.workflow} stands where it does</span>
        </button>
      ),
    },
  ];
  return (
    <Table
      name="Scheduled workflows"
      columns={columns}
      rows={schedule.workflows}
      keyOf={(it) => it.workflow}
      empty={
        <Empty
          what="No workflow is scheduled"
          why="Workflows come with a deployment."
          cli="weir deployment list"
        />
      }
    />
  );
}

function Loads({
  schedule,
  plan,
}: {
  schedule: Schemas["Schedule"];
  plan: Schemas["SchedulePlan"] | undefined;
}) {
  const after = (it: Schemas["ScheduledNode"]) => plan?.loads[it.name] ?? it.load;
  const most = Math.max(1, ...schedule.nodes.map((it) => Math.max(it.load, after(it))));
  return (
    <ul className={css.loads}>
      {[...schedule.nodes]
        .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }))
        .map((it) => (
          <li key={it.uid}>
            <span className="cut">{it.name}</span>
            <meter min={0} max={most} value={after(it)} aria-label={`Weight of ${it.name}`}>
              {after(it)}
            </meter>
            <span className="num">
              {it.load}
              {after(it) !== it.load && ` → ${after(it)}`}
            </span>
            <span className="muted small">
              {plural(it.instances, "instance")}
              {it.drained && ", drained"}
              {it.reach === "unreachable" && ", unreachable"}
            </span>
          </li>
        ))}
    </ul>
  );
}
