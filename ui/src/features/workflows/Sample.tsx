import { Button, Select, TextInput } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { type Problem, problemIn } from "../../api/problem";
import { count, plural } from "../../logic/format";
import { Act, CopyCli } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Empty } from "../../parts/Shows";
import { type Column, Table } from "../../parts/Table";
import css from "./graph.module.css";
import { command, fields, inOrder, nameOf, type Spot, spotId, spots } from "./spots";

type Caught = Schemas["SniffResult"];
type Row = Schemas["SniffedRecord"] & { n: number };
const route = getRouteApi("/frame/workflows/$name");
/** One look is one entry of the audit. */
const WITHIN_MS = 5_000;
const RECORDS = 50;
const KEPT = 500;

/** The place that the address names; the first edge where it names none. */
function useSpot({ stages, edges }: Schemas["WorkflowDetail"]): [Spot[], Spot | undefined] {
  const { stage, side, port, to } = route.useSearch();
  const all = spots(stages, edges);
  const fits = (it: Spot) =>
    it.stage === stage && it.side === (side ?? "out") && it.port === port && it.to === to;
  // An address may name a stage alone: what leaves it, or comes to it where nothing leaves.
  return [all, all.find(fits) ?? all.find((it) => it.stage === stage) ?? all[0]];
}

/** Some of the records that pass at a place, now or as long as one looks. It never slows the stream down. */
export function Sample({ detail }: { detail: Schemas["WorkflowDetail"] }) {
  const { stream, condition = "", as } = route.useSearch();
  const navigate = route.useNavigate();
  const [all, spot] = useSpot(detail);
  const isTable = as !== "json";
  const look = useLooks(detail.name, spot, condition, stream);
  const choose = (id: string | null) => {
    const found = all.find((it) => spotId(it) === id);
    if (found)
      void navigate({
        search: ({ tab, stream, condition, as }) => ({ tab, stream, condition, as, ...found }),
        replace: true,
        resetScroll: false,
      });
  };
  const set = (more: { stream?: string; condition?: string; as?: string }) =>
    void navigate({ search: (it) => ({ ...it, ...more }), replace: true, resetScroll: false });
  if (!spot) return <Empty what="Nothing passes here" why="The workflow has one stage alone." />;
  const side = (
    <div className="row">
      <Select
        aria-label="Where"
        data={all.map((it) => ({ value: spotId(it), label: nameOf(it) }))}
        value={spotId(spot)}
        allowDeselect={false}
        onChange={choose}
        w={260}
      />
      <TextInput
        aria-label="Only records for which this holds"
        placeholder="Condition, as delay > 60"
        value={condition}
        onChange={(event) => set({ condition: event.currentTarget.value || undefined })}
        w={190}
        data-filter=""
      />
      {stream && <Button onClick={() => set({ stream: undefined })}>One stream ✕</Button>}
      <Act
        label={look.isOn ? "Stop" : "Look"}
        claim="stream:sniff"
        isMain={!look.isOn}
        onAct={() => {
          if (look.isOn) return look.stop();
          // What is looked at stands in the address, also where nobody chose it.
          choose(spotId(spot));
          look.begin();
        }}
      />
      <Button onClick={() => set({ as: isTable ? "json" : undefined })}>
        {isTable ? "As JSON" : "As table"}
      </Button>
      <CopyCli command={command(detail.name, spot, condition, stream)} />
    </div>
  );
  return (
    <Panel title="Sample data" side={side} flush>
      {look.problem && <ProblemView problem={look.problem} />}
      <Told of={look} />
      {look.rows.length > 0 ? (
        isTable ? (
          <AsTable rows={look.rows} />
        ) : (
          <AsJson rows={look.rows} />
        )
      ) : (
        !look.problem && (
          <Empty
            what={look.isOn ? "Nothing passed yet" : "Nothing was caught yet"}
            why={`Records that pass here are shown while one looks: ${nameOf(spot)}. The stream does not wait for that, and each look is written into the audit.`}
          />
        )
      )}
    </Panel>
  );
}

interface Looks {
  isOn: boolean;
  /** It ended because more passes than anybody reads. */
  isFull: boolean;
  rows: Row[];
  seen: number;
  dropped: number;
  unreached: string[];
  problem?: Problem;
  begin: () => void;
  stop: () => void;
}

/** Looks again and again, until it is stopped or something else is to be looked at. */
function useLooks(
  workflow: string,
  spot: Spot | undefined,
  condition: string,
  stream?: string,
): Looks {
  const [isOn, setOn] = useState(false);
  const [isFull, setFull] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [caught, setCaught] = useState({
    rows: [] as Row[],
    seen: 0,
    dropped: 0,
    unreached: [] as string[],
  });
  const next = useRef(0);
  const abort = useRef<AbortController>(undefined);
  const what = JSON.stringify([workflow, spot, condition, stream]);
  const stop = () => {
    abort.current?.abort();
    abort.current = undefined;
    setOn(false);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is looked at is other now
  useEffect(() => {
    setCaught({ rows: [], seen: 0, dropped: 0, unreached: [] });
    setProblem(undefined);
    return stop;
  }, [what]);
  const take = (it: Caught) =>
    setCaught((before) => ({
      rows: [
        ...inOrder(it.records).map((record) => ({ ...record, n: next.current++ })),
        ...before.rows,
      ].slice(0, KEPT),
      seen: before.seen + it.seen,
      dropped: before.dropped + it.dropped,
      unreached: it.unreached.map(({ node }) => node),
    }));
  const begin = async () => {
    if (!spot) return;
    const mine = new AbortController();
    abort.current = mine;
    setOn(true);
    setFull(false);
    setProblem(undefined);
    const body = {
      ...spot,
      stream,
      condition: condition || undefined,
      records: RECORDS,
      withinMs: WITHIN_MS,
    };
    try {
      while (!mine.signal.aborted) {
        const asked = { params: { path: { name: workflow } }, body, signal: mine.signal };
        const found = await answered(api.POST("/api/v1/workflows/{name}/sniff", asked));
        if (mine.signal.aborted) return;
        if (found.wrong) throw new Error(found.wrong);
        take(found);
        // A full look came back at once: what passes is more than anybody reads.
        if (found.records.length >= RECORDS) {
          setFull(true);
          break;
        }
      }
    } catch (error) {
      if (mine.signal.aborted) return;
      setProblem(conditionOr(error));
    }
    setOn(false);
  };
  return { isOn, isFull, problem, ...caught, begin: () => void begin(), stop };
}

/** A condition that can't be applied is the user's, and no fault of the page. */
function conditionOr(error: unknown): Problem {
  const found = problemIn(error);
  if (found.status !== 0 || !(error instanceof Error) || error instanceof TypeError) return found;
  const hint = "Write it as an expression of the fields that pass here.";
  return { ...found, title: "The condition can't be applied", detail: error.message, hint };
}

function Told({ of }: { of: Looks }) {
  if (of.seen === 0 && of.unreached.length === 0) return null;
  return (
    <p className={css.told} role="status">
      {count(of.rows.length)} of {plural(of.seen, "record")} that passed during the look
      {of.isFull && `, which ended with the first ${RECORDS}`}
      {of.dropped > 0 && `; ${of.dropped} were too fast to be looked at`}
      {of.unreached.length > 0 && `; no answer from ${of.unreached.join(", ")}`}
    </p>
  );
}

const shown = (value: unknown) =>
  value === null || value === undefined ? (
    <span className="muted">null</span>
  ) : typeof value === "string" ? (
    value
  ) : (
    <span className="mono">{JSON.stringify(value)}</span>
  );

function AsTable({ rows }: { rows: Row[] }) {
  const columns: Column<Row>[] = [
    { id: "#", title: "#", isNumber: true, cell: (it) => it.position, width: "64px" },
    { id: "@node", title: "Node", cell: (it) => <span className="muted">{it.node}</span> },
    ...fields(rows.map((it) => it.record)).map(
      (name): Column<Row> => ({
        id: `field ${name}`,
        title: name,
        cell: (it) => shown(it.record[name]),
      }),
    ),
  ];
  return <Table name="Caught records" columns={columns} rows={rows} keyOf={(it) => String(it.n)} />;
}

function AsJson({ rows }: { rows: Row[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reached by the keyboard
    <section className={css.sample} tabIndex={0} aria-label="Caught records">
      {rows.map((it) => (
        <pre key={it.n}>{JSON.stringify(it.record)}</pre>
      ))}
    </section>
  );
}
