import { Button, Select } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import type { Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import {
  type Alarm,
  counted,
  inOrder,
  isOf,
  isPart,
  joined,
  textOf,
  total,
} from "../../logic/alarms";
import { count, plural, words } from "../../logic/format";
import { troubles } from "../../logic/health";
import { sh } from "../../logic/shell";
import { Act, CopyCli } from "../../parts/Act";
import { Filter } from "../../parts/Filter";
import { More, useMore } from "../../parts/More";
import { Page, Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Empty, Loading, Shows } from "../../parts/Shows";
import { matches } from "../../parts/table";
import { useFleet } from "../../parts/useFleet";
import { Problems } from "../overview/Problems";
import { AlarmTable } from "./AlarmTable";
import css from "./alarms.module.css";
import { ConfirmAlarms } from "./ConfirmAlarms";
import { Ended } from "./Ended";
import { useBeyond, useEnded, useFirstLook, useStanding } from "./useAlarms";

const route = getRouteApi("/frame/alarms");

const STATES = [
  { value: "standing", label: "standing" },
  { value: "ended", label: "ended" },
];
const SEVERITIES = [
  { value: "error", label: "errors" },
  { value: "error,warning", label: "errors, warnings" },
  { value: "warning", label: "warnings" },
  { value: "info", label: "notes" },
];

interface Looked {
  state?: string;
  severity?: string;
  subject?: string;
  filter?: string;
}

/** What is wrong in the cluster, what was, and who has seen it. */
export function Alarms() {
  const looked = route.useSearch();
  const { state, severity, subject, filter = "", confirm } = looked;
  const navigate = route.useNavigate();
  const set = (more: Looked & { confirm?: string }) =>
    void navigate({ search: (before) => ({ ...before, ...more }), replace: true });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<readonly Alarm[]>();
  const standing = useStanding();
  const ended = useEnded(looked, state !== "standing");
  // Why those that stand can't be seen is why those that have ended can't.
  const isTold = standing.problem !== undefined && state !== "ended";
  const { value } = standing;
  const isBeyond = value !== undefined && isPart(value) && Boolean(severity || subject);
  const beyond = useBeyond(looked, isBeyond && state !== "ended");
  const more = useMore(beyond);
  const all = useMemo(() => {
    const asked = isBeyond ? (beyond.data?.pages ?? []).flatMap((it) => it.items) : [];
    return inOrder(joined(value?.items ?? [], asked));
  }, [value, isBeyond, beyond.data]);
  const history = useMemo(() => {
    // One that came back stands again, as long as the list of ended ones was not read anew.
    const here = new Set(all.map((it) => it.id));
    return (ended.data?.pages ?? []).flatMap((it) => it.items).filter((it) => !here.has(it.id));
  }, [ended.data, all]);
  const fits = (it: Alarm) =>
    isOf(it, severity) && (!subject || it.subject.name === subject) && matches(textOf(it), filter);
  const [open, past] = [all.filter(fits), history.filter(fits)];
  const picked = [...open, ...past].filter((it) => chosen.has(it.id));
  const isFiltered = Boolean(severity || subject || filter);
  const table = {
    chosen,
    onChoose: setChosen,
    onConfirm: useCallback((it: Alarm) => setAsked([it]), []),
  };
  return (
    <Page
      title="Alarms"
      actions={
        <>
          {subject && (
            <Button onClick={() => set({ subject: undefined })} title="Of all things again">
              Of {subject} ✕
            </Button>
          )}
          <Select
            aria-label="How bad"
            placeholder="All severities"
            clearable
            data={SEVERITIES}
            value={severity ?? null}
            onChange={(it) => set({ severity: it ?? undefined })}
            w={150}
          />
          <Select
            aria-label="State"
            placeholder="All states"
            clearable
            data={STATES}
            value={state ?? null}
            onChange={(it) => set({ state: it ?? undefined })}
            w={120}
          />
          <Filter value={filter} onChange={(it) => set({ filter: it || undefined })} />
          <Act
            label="Confirm all …"
            claim="alarm:confirm"
            not={isAllSeen(value) && "Nothing is left to be confirmed"}
            onAct={() => set({ confirm: "all" })}
          />
          <CopyCli command={commandOf(looked)} />
        </>
      }
    >
      <Beyond />
      {value && <Unjudged of={value} />}
      {picked.length > 0 && <Chosen of={picked} onConfirm={() => setAsked(picked)} />}
      {state !== "ended" && (
        <Panel title="Standing" side={value && <Counts of={value} />} flush>
          <Shows of={standing}>
            {(it) => (
              <AlarmTable
                name="Standing alarms"
                rows={open}
                {...table}
                onEnd={more}
                empty={
                  <None of={it} isFiltered={isFiltered} beyond={isBeyond ? beyond : undefined} />
                }
              />
            )}
          </Shows>
        </Panel>
      )}
      {state !== "ended" && isBeyond && beyond.error && (
        <ProblemView problem={problemIn(beyond.error)} onRetry={() => void beyond.refetch()} />
      )}
      {state !== "ended" && isBeyond && <More of={beyond} label="More that stand" />}
      {state !== "standing" && (ended.data || !isTold) && (
        <Ended of={ended} rows={past} isFiltered={isFiltered} isTold={isTold} {...table} />
      )}
      <p className="muted small">
        The cluster looks for what is wrong, page or no page. What comes for a moment is not told;
        what comes back soon is the same alarm, and counts. Those that have ended are kept for 30
        days. Nobody is sent a message: to be told elsewhere, watch the metrics of the engines.
      </p>
      {(asked || confirm === "all") && (
        <ConfirmAlarms
          of={asked ?? "all"}
          onDone={() => {
            // What else was chosen still is.
            const done = new Set(asked?.map((it) => it.id));
            setChosen((it) => new Set(asked ? [...it].filter((id) => !done.has(id)) : []));
          }}
          onClose={() => {
            setAsked(undefined);
            if (confirm) set({ confirm: undefined });
          }}
        />
      )}
    </Page>
  );
}

function commandOf({ state, severity, subject }: Looked): string {
  const given = [
    ...(severity ? ["--severity", severity] : []),
    ...(subject ? [`--subject=${subject}`] : []),
  ];
  return sh`weir alarm list --state ${state ?? "all"} ${given}`;
}

const isAllSeen = (of: Schemas["Alarms"] | undefined) =>
  of !== undefined && total(of.counts.unconfirmed) + total(of.counts.endedUnconfirmed) === 0;

/** What no cluster can have an alarm of: that the server of this page does not reach it. */
function Beyond() {
  const { lost, away } = useFleet();
  const all = troubles({ lost, away });
  if (all.length === 0) return null;
  return (
    <Panel
      title="Clusters that can’t be used"
      side={<span className="muted small">found by the server of this page</span>}
      flush
    >
      <Problems all={all} />
    </Panel>
  );
}

function Unjudged({ of: { unjudged = [] } }: { of: Schemas["Alarms"] }) {
  if (unjudged.length === 0) return null;
  return (
    <div className={css.unjudged} role="status" data-tone="warn">
      <strong>Not all can be judged now.</strong> What stood of it stands, and nothing new is found
      there:
      <ul>
        {unjudged.map((it) => (
          <li key={`${it.what} ${it.why}`}>
            {words(it.what)}: {it.why}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Chosen({ of, onConfirm }: { of: readonly Alarm[]; onConfirm: () => void }) {
  const left = of.filter((it) => !it.confirmation).length;
  return (
    <div className="row">
      <span>
        {plural(of.length, "alarm")} chosen{left < of.length && `, ${left} unconfirmed`}
      </span>
      <Act
        label="Confirm chosen …"
        claim="alarm:confirm"
        not={left === 0 && "They are confirmed"}
        onAct={onConfirm}
      />
    </div>
  );
}

/** Of all that stand, whatever is looked for. */
function Counts({ of: { counts, items } }: { of: Schemas["Alarms"] }) {
  const [all, open] = [total(counts.standing), total(counts.unconfirmed)];
  if (all === 0) return <span className="muted small">none</span>;
  return (
    <span className="muted small">
      {counted(counts.standing)}; {open === 0 ? "all confirmed" : `${count(open)} unconfirmed`}
      {all > items.length && `; the worst ${count(items.length)} are shown`}
    </span>
  );
}

interface NoneProps {
  of: Schemas["Alarms"];
  isFiltered: boolean;
  /** What is asked for, where not all that stand are followed. */
  beyond: ReturnType<typeof useBeyond> | undefined;
}

function None({ of, isFiltered, beyond }: NoneProps) {
  const hasLooked = useFirstLook(!of.lookedAt);
  if (beyond?.isPending) return <Loading />;
  if (isFiltered && isPart(of) && (!beyond || beyond.hasNextPage || beyond.error))
    return (
      <Empty
        what={
          beyond?.data
            ? "None of those read so far has that"
            : `None of the worst ${count(of.items.length)} has that`
        }
        why={
          beyond
            ? "Others are left out by the filter."
            : "More stand than are shown: choose how bad they are to look at all of those."
        }
      />
    );
  if (isFiltered && of.items.length > 0)
    return <Empty what="No alarm has that" why="Others are left out by the filter." />;
  if (!of.lookedAt && !hasLooked)
    return (
      <Empty
        what="None is known yet"
        why="The controller of alarms has just begun: it looks at the cluster now."
      />
    );
  if (of.unjudged?.length)
    return (
      <Empty
        what="No alarm is known"
        why="Not all could be judged: what is said above is missing."
      />
    );
  return (
    <Empty
      what="No alarm stands"
      why="Nodes, controllers, workflows, the schedule, deployments and certificates are as they are to be."
      cli="weir alarm list"
    />
  );
}
