import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import {
  type Alarm,
  lastedMs,
  NAMES,
  SEVERITIES,
  said,
  TONES,
  timesOf,
  whereOf,
} from "../../logic/alarms";
import { count, duration } from "../../logic/format";
import { Act } from "../../parts/Act";
import { Mark } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { Target } from "../../parts/Target";
import { Ago, Moment } from "../../parts/When";
import { ConfirmedBy } from "./ConfirmedBy";

export const SeverityMark = ({ of }: { of: Alarm["severity"] }) => (
  <Mark tone={TONES[of]}>{NAMES[of]}</Mark>
);

const COLUMNS: Column<Alarm>[] = [
  {
    id: "severity",
    title: "How bad",
    value: (it) => SEVERITIES.indexOf(it.severity),
    cell: (it) => <SeverityMark of={it.severity} />,
    width: "84px",
  },
  {
    id: "what",
    title: "What",
    value: (it) => it.subject.name,
    cell: (it) => (
      <Link to="/alarms/$id" params={{ id: it.id }}>
        {it.subject.name}
      </Link>
    ),
  },
  {
    id: "why",
    title: "What is wrong",
    cell: (it) => (
      <span title={[it.message, it.hint].filter(Boolean).join("\n")}>
        {it.unknownSince && (
          <>
            <Mark tone="idle">can’t be judged</Mark> since <Moment at={it.unknownSince} />:{" "}
          </>
        )}
        {said(it).why || it.message}
      </span>
    ),
    isRest: true,
  },
  {
    id: "times",
    title: "Times raised",
    isNumber: true,
    value: (it) => it.count,
    cell: (it) => <span title={timesOf(it)}>{count(it.count)}</span>,
  },
];

const RAISED: Column<Alarm> = {
  id: "raised",
  title: "Raised",
  value: (it) => Date.parse(it.raisedAt),
  cell: (it) => <Ago at={it.raisedAt} />,
};

const ENDED: Column<Alarm>[] = [
  { ...RAISED, cell: (it) => <Moment at={it.raisedAt} /> },
  {
    id: "cleared",
    title: "Cleared",
    value: (it) => it.clearedAt ?? undefined,
    cell: (it) => <Moment at={it.clearedAt} />,
  },
  {
    id: "lasted",
    title: "Lasted",
    isNumber: true,
    value: lastedMs,
    cell: (it) => {
      const ms = lastedMs(it);
      return ms === undefined ? "–" : duration(ms);
    },
  },
];

const OPEN: Column<Alarm> = {
  id: "open",
  title: "Where",
  cell: (it) => {
    const where = whereOf(it);
    return where && <Target to={where} what={it.subject.name} />;
  },
};

export interface AlarmTableProps {
  name: string;
  rows: readonly Alarm[];
  isEnded?: boolean;
  chosen: ReadonlySet<string>;
  onChoose: (chosen: Set<string>) => void;
  onConfirm: (alarm: Alarm) => void;
  onEnd?: () => void;
  empty: ReactNode;
}

export function AlarmTable({ isEnded = false, onConfirm, ...props }: AlarmTableProps) {
  const navigate = useNavigate();
  const columns = useMemo<Column<Alarm>[]>(() => {
    const confirmed: Column<Alarm> = {
      id: "confirmed",
      title: "Confirmed",
      value: (it) => it.confirmation?.by ?? "",
      cell: (it) =>
        it.confirmation ? (
          <ConfirmedBy of={it.confirmation} />
        ) : (
          <Act
            label="Confirm …"
            about={it.subject.name}
            claim="alarm:confirm"
            onAct={() => onConfirm(it)}
          />
        ),
    };
    return [...COLUMNS, ...(isEnded ? ENDED : [RAISED]), confirmed, OPEN];
  }, [isEnded, onConfirm]);
  return (
    <Table
      columns={columns}
      keyOf={(it) => it.id}
      nameOf={(it) => it.message}
      onOpen={(it) => void navigate({ to: "/alarms/$id", params: { id: it.id } })}
      {...props}
    />
  );
}
