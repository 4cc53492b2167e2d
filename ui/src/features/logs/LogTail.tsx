import { Button, Select } from "@mantine/core";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { CopyCli } from "../../parts/Act";
import { Filter as TextFilter } from "../../parts/Filter";
import { Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Empty } from "../../parts/Shows";
import { Mark } from "../../parts/State";
import { List } from "./List";
import type { Row } from "./lines";
import css from "./logs.module.css";
import { useOlder } from "./older";
import { type Filter, Tail } from "./tail";

const LEVELS = ["error", "warn", "info", "debug", "trace"];
/** What is typed is asked for when nothing more is typed. */
const TYPED_MS = 300;

export interface Shown extends Filter {
  /** Of the configuration server itself. */
  ofServer?: boolean | undefined;
}

/** The command that follows the same. */
export function command(filter: Shown): string {
  const named: [string, string | undefined][] = [
    ["level", filter.level],
    ["workflow", filter.workflow],
    ["stage", filter.stage],
    ["node", filter.node],
    ["code", filter.code],
    ["grep", filter.text],
  ];
  const given = named.flatMap(([name, value]) => (value ? [`--${name}`, value] : []));
  return sh`weir logs --follow ${filter.ofServer ? ["--config-server"] : []} ${given}`;
}

/** Lines as they are logged. `filter` is in the address; what is fixed has no field here. */
export function LogTail(props: {
  filter: Shown;
  onFilter: (more: Filter) => void;
  isGone?: boolean | undefined;
}) {
  const { filter, onFilter, isGone = false } = props;
  const { level, workflow, stage, node, code, text, ofServer = false } = filter;
  const tail = useMemo(
    () => new Tail({ level, workflow, stage, node, code, text }, ofServer),
    [level, workflow, stage, node, code, text, ofServer],
  );
  const standing = useSyncExternalStore(tail.listen, tail.standing);
  const [paused, setPaused] = useState<{ rows: readonly Row[]; total: number; of: Tail }>();
  const held = paused?.of === tail ? paused : undefined;
  const rows = held?.rows ?? standing.rows;
  const more = held ? standing.total - held.total : 0;
  const { contact, problem, newest } = standing;
  const older = useOlder(
    { filter: { level, workflow, stage, node, code, text }, isServer: ofServer, rows, newest },
    (found) => {
      if (held) setPaused((was) => was && { ...was, rows: [...found, ...was.rows] });
      else tail.prepend(found);
    },
  );
  const goOn = () => {
    // What was loaded meanwhile stays.
    const at = held?.rows.findIndex((it) => it.key === standing.rows[0]?.key) ?? 0;
    if (held && at > 0) tail.prepend(held.rows.slice(0, at));
    setPaused(undefined);
  };
  return (
    <Panel
      title="Lines"
      flush
      side={
        <div className="row">
          <Contact contact={isGone ? "gone" : contact} isPaused={held !== undefined} more={more} />
          <Select
            aria-label="Level at least"
            placeholder="All levels"
            clearable
            data={LEVELS}
            value={level ?? null}
            onChange={(it) => onFilter({ level: it ?? undefined })}
            w={120}
          />
          <Typed value={text ?? ""} onChange={(it) => onFilter({ text: it || undefined })} />
          <Button
            aria-pressed={held !== undefined}
            onClick={() =>
              held ? goOn() : setPaused({ rows: standing.rows, total: standing.total, of: tail })
            }
          >
            {held ? "Go on" : "Pause"}
          </Button>
          <Button onClick={tail.clear}>Clear</Button>
          <CopyCli command={command(filter)} />
        </div>
      }
    >
      {isGone ? (
        <p className={css.gone} role="status">
          ▲ Nothing more comes from {node}.{" "}
          {rows.length > 0
            ? "These are the last lines that came here."
            : "Engines remember their lines themselves: what this one logged is in its own files."}
        </p>
      ) : (
        problem && <ProblemView problem={problem} onRetry={tail.again} />
      )}
      {older.problem && <ProblemView problem={older.problem} onRetry={() => void older.load()} />}
      <List
        key={JSON.stringify(filter)}
        rows={rows}
        older={newest > 0 ? older : undefined}
        empty={
          <Empty
            what={
              newest > 0
                ? "What came was cleared"
                : contact === "live"
                  ? "No line is remembered that is meant"
                  : "Nothing came yet"
            }
            why="Engines remember their newest lines; what they log from now on comes here by itself."
            cli={command(filter)}
          />
        }
      />
    </Panel>
  );
}

function Contact(props: { contact: string; isPaused: boolean; more: number }) {
  if (props.isPaused) return <Mark tone="warn">{`paused, ${plural(props.more, "new line")}`}</Mark>;
  if (props.contact === "live") return <Mark tone="ok">live</Mark>;
  return <Mark tone={props.contact === "connecting" ? "idle" : "err"}>{props.contact}</Mark>;
}

function Typed({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => onChange(typed), TYPED_MS);
    return () => clearTimeout(timer);
  }, [typed, value, onChange]);
  return <TextFilter value={typed} onChange={setTyped} label="Text" />;
}
