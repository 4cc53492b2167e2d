import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
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
import { commands, type Draft, keepDraft, keptDraft, seenOf } from "./draft";
import { Ring } from "./Ring";
import { Bounds, Target, Weight } from "./Settings";
import css from "./scheduler.module.css";
import { Why } from "./Why";

type Workflow = Schemas["ScheduledWorkflow"];
const route = getRouteApi("/frame/scheduler");
const STALE = 412;
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
  const { workflow } = route.useSearch();
  const edit = (next: Draft) => {
    setDraft(next);
    keepDraft(user, at, next);
    setPlan(undefined);
    setProblem(undefined);
  };
  const run = async (work: () => Promise<void>) => {
    setProblem(undefined);
    await work().catch((error: unknown) => {
      const found = problemIn(error);
      setProblem(found);
      // Somebody changed the schedule meanwhile: the draft stays, and is looked at again.
      if (found.status === STALE) setPlan(undefined);
    });
  };
  const preview = () =>
    run(async () => {
      // What is followed may be a second old.
      setSeen(seenOf(draft, await answered(api.GET("/api/v1/scheduler"))));
      setPlan(
        await answered(api.POST("/api/v1/scheduler:preview", { body: { workflows: draft } })),
      );
    });
  const apply = () =>
    run(async () => {
      // By the revisions that the plan was made for: others are refused.
      const body = { workflows: seen, revision: plan?.revision };
      await answered(api.POST("/api/v1/scheduler:apply", { body, params: intent(body) }));
      edit({});
    });
  const count = Object.keys(draft).length;
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
            isMain={plan !== undefined}
            not={!plan && "Preview it first"}
            onAct={() => void apply()}
          />
          <CopyCli command={commands(draft) || "weir scheduler show"} />
        </>
      }
    >
      {problem && <ProblemView problem={problem} />}
      {plan && <Plan plan={plan} />}
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
              <Loads schedule={schedule} plan={plan} />
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

/** What a draft starts and stops, and why there. */
function Plan({ plan }: { plan: Schemas["SchedulePlan"] }) {
  const short = plan.workflows.filter((it) => it.missing > 0);
  const isSame = plan.starts.length + plan.stops.length === 0;
  return (
    <Panel title={`Preview, for revision ${plan.revision}`}>
      {isSame && <p>Nothing starts and nothing stops.</p>}
      <ul className={css.plan}>
        {plan.starts.map((it) => (
          <li key={`+${it.workflow}${it.number}`}>
            <span data-tone="ok">+</span> {it.workflow} #{it.number} starts on{" "}
            <strong>{it.node}</strong> <span className="muted">{it.why}</span>
          </li>
        ))}
        {plan.stops.map((it) => (
          <li key={`-${it.workflow}${it.number}`}>
            <span data-tone="err">−</span> {it.workflow} #{it.number} stops on{" "}
            <strong>{it.node}</strong> <span className="muted">{it.why}</span>
          </li>
        ))}
        {short.map((it) => (
          <li key={it.workflow}>
            <span data-tone="warn">◆</span> {it.workflow}: {plural(it.missing, "instance")} can't be
            placed{" "}
            <span className="muted">{it.reasons?.map((reason) => reason.detail).join("; ")}</span>
          </li>
        ))}
        {plan.warnings.map((it) => (
          <li key={it}>
            <span data-tone="warn">◆</span> {it}
          </li>
        ))}
      </ul>
    </Panel>
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
