import { getRouteApi } from "@tanstack/react-router";
import { useSyncExternalStore } from "react";
import { useLive } from "../../live";
import { alarmBook } from "../../live/alarms";
import type { Alarm } from "../../logic/alarms";
import { duration, plural } from "../../logic/format";
import { rankOf, sentence, troubles } from "../../logic/health";
import { CopyCli } from "../../parts/Act";
import { Filter } from "../../parts/Filter";
import { Page, Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { Mark } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { matches } from "../../parts/table";
import { useKnown } from "../../parts/useKnown";
import { Ago } from "../../parts/When";
import { PutAway, Target } from "../overview/Problems";

const route = getRouteApi("/frame/alarms");

const WORDS = { err: "impaired", warn: "degraded", info: "note" };

const COLUMNS: Column<Alarm>[] = [
  {
    id: "tone",
    title: "How bad",
    value: ({ trouble }) => rankOf(trouble.tone),
    cell: ({ trouble }) => <Mark tone={trouble.tone}>{WORDS[trouble.tone]}</Mark>,
    width: "96px",
  },
  {
    id: "what",
    title: "What",
    value: ({ trouble }) => trouble.what,
    cell: ({ trouble }) => <strong>{trouble.what}</strong>,
  },
  {
    id: "why",
    title: "What is wrong",
    cell: ({ trouble }) => <span title={trouble.hint}>{trouble.why}</span>,
  },
  {
    id: "raised",
    title: "Raised",
    value: (it) => it.raisedAt,
    cell: (it) => <Ago at={it.raisedAt} />,
  },
  {
    id: "open",
    title: "Where",
    cell: ({ trouble }) => (
      <span className="row">
        <Target of={trouble} />
        {trouble.putsAway && <PutAway what={trouble.what} uid={trouble.putsAway} />}
      </span>
    ),
  },
];

const CLEARED: Column<Alarm>[] = [
  ...COLUMNS.slice(0, -1),
  {
    id: "cleared",
    title: "Cleared",
    value: (it) => it.clearedAt,
    cell: (it) => <Ago at={it.clearedAt} />,
  },
  {
    id: "lasted",
    title: "Lasted",
    isNumber: true,
    value: (it) => (it.clearedAt ?? 0) - it.raisedAt,
    cell: (it) => duration((it.clearedAt ?? 0) - it.raisedAt),
  },
];

/** What is wrong, and what was while the page was open: found by the page in what it follows. */
export function Alarms() {
  const { filter = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const known = useKnown();
  const all = useSyncExternalStore(alarmBook.listen, alarmBook.all);
  const shown = all.filter(({ trouble: it }) => matches(`${it.what} ${it.why}`, filter));
  const open = shown.filter((it) => it.clearedAt === undefined);
  const cleared = shown.filter((it) => it.clearedAt !== undefined);
  const members = useLive("members");
  // What is wrong is told also where nothing else comes.
  const isKnown = members.value !== undefined || open.length > 0;
  const now = sentence(known, troubles(known));
  const isSure = now.tone !== "idle";
  return (
    <Page
      title="Alarms"
      actions={
        <>
          <Filter
            value={filter}
            onChange={(typed) =>
              void navigate({
                search: (it) => ({ ...it, filter: typed || undefined }),
                replace: true,
              })
            }
          />
          <CopyCli command="weir cluster status" />
        </>
      }
    >
      <Panel title="Raised" side={isKnown && <Count of={open.length} />} flush>
        <Shows<unknown> of={isKnown ? { value: true, problem: members.problem } : members}>
          {() => (
            <Table
              name="Raised alarms"
              columns={COLUMNS}
              rows={open}
              keyOf={(it) => String(it.number)}
              sorting={{ by: "tone", isDown: false }}
              empty={
                <Empty
                  what={
                    filter ? "No alarm has that" : isSure ? "No alarm is raised" : "None is known"
                  }
                  why={
                    !isSure
                      ? now.text
                      : "Nodes, controllers, workflows, the schedule, deployments and certificates of links are as they are to be."
                  }
                />
              }
            />
          )}
        </Shows>
      </Panel>
      {cleared.length > 0 && (
        <Panel title="Cleared" side={<Count of={cleared.length} />} flush>
          <Table
            name="Cleared alarms"
            columns={CLEARED}
            rows={cleared}
            keyOf={(it) => String(it.number)}
          />
        </Panel>
      )}
      <p className="muted small">
        The page finds alarms in what it follows, and remembers them while it is open: what was
        cleared before is not here, and nobody is told. To be told, watch the metrics of the
        engines.
      </p>
    </Page>
  );
}

const Count = ({ of }: { of: number }) => (
  <span className="muted small">{plural(of, "alarm")}</span>
);
