import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Facts } from "../../parts/Page";
import type { Entry, Row } from "./lines";
import css from "./logs.module.css";
import type { Older } from "./older";

const ROW_PX = 24;
/** What stands above the first row. */
const HEAD_PX = 36;
/** Who is so near to the end follows it. */
const NEAR_PX = 40;

const TONES: Record<string, string> = { error: "err", warn: "warn", info: "info" };

interface ListProps {
  rows: readonly Row[];
  empty: ReactNode;
  /** Absent: there is nothing that something could be older than. */
  older: Older | undefined;
}

/** Any number of rows: those in view are drawn. At its end it goes on with what comes. */
export function List({ rows, empty, older }: ListProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const [chosen, setChosen] = useState<string>();
  const drawn = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 20,
    paddingStart: HEAD_PX,
    initialRect: { width: 800, height: 480 },
  });
  const toEnd = () => {
    if (rows.length > 0) drawn.scrollToIndex(rows.length - 1, { align: "end" });
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: it follows what comes
  useLayoutEffect(() => {
    if (rows.length === 0) setAtEnd(true);
    if (isAtEnd) toEnd();
  }, [rows, isAtEnd]);
  // Who reads further up goes on reading the same lines, whatever comes or goes above them.
  const top = useRef<{ key: string; above: number }>(undefined);
  useLayoutEffect(() => {
    const seen = frame.current;
    if (!seen || isAtEnd) return;
    const at = top.current ? rows.findIndex((it) => it.key === top.current?.key) : -1;
    if (at >= 0 && top.current) seen.scrollTop = at * ROW_PX + HEAD_PX - top.current.above;
  }, [rows, isAtEnd]);
  useLayoutEffect(() => {
    const seen = frame.current;
    if (!seen) return;
    const note = () => {
      const at = Math.max(0, Math.floor((seen.scrollTop - HEAD_PX) / ROW_PX));
      const row = rows[at];
      top.current = row && { key: row.key, above: at * ROW_PX + HEAD_PX - seen.scrollTop };
    };
    note();
    seen.addEventListener("scroll", note, { passive: true });
    return () => seen.removeEventListener("scroll", note);
  }, [rows]);
  useEffect(() => {
    const seen = frame.current;
    if (!seen) return;
    const look = () => setAtEnd(seen.scrollHeight - seen.scrollTop - seen.clientHeight < NEAR_PX);
    seen.addEventListener("scroll", look, { passive: true });
    return () => seen.removeEventListener("scroll", look);
  }, []);
  const row = rows.find((it) => it.key === chosen);
  return (
    <div className={css.whole}>
      <section
        ref={frame}
        className={css.frame}
        data-split={row ? true : undefined}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reached by the keyboard
        tabIndex={0}
        aria-label="Log"
      >
        {rows.length === 0 ? (
          <>
            {empty}
            {older && <LoadOlder of={older} />}
          </>
        ) : (
          <div className={css.rows} style={{ height: drawn.getTotalSize() }}>
            {older && <LoadOlder of={older} />}
            {drawn.getVirtualItems().map(({ index, key, start }) => {
              const it = rows[index] as Row;
              const style = { transform: `translateY(${start}px)` };
              return it.kind === "mark" ? (
                <div
                  key={key}
                  className={css.mark}
                  style={style}
                  data-tone={it.isBad ? "err" : "ok"}
                >
                  {it.text}
                </div>
              ) : (
                <button
                  key={key}
                  type="button"
                  className={css.line}
                  style={style}
                  aria-pressed={it.key === chosen}
                  onClick={() => setChosen(it.key === chosen ? undefined : it.key)}
                >
                  <Line of={it.line} />
                </button>
              );
            })}
          </div>
        )}
      </section>
      {!isAtEnd && (
        <Button className={css.jump} variant="filled" onClick={() => setAtEnd(true)}>
          Jump to the newest
        </Button>
      )}
      {row?.kind === "line" && <Whole of={row.line} />}
    </div>
  );
}

function LoadOlder({ of }: { of: Older }) {
  return (
    <div className={css.older}>
      {of.isEnd ? (
        <span className="muted small">Nothing older is remembered</span>
      ) : (
        <Button disabled={of.isBusy} onClick={() => void of.load()}>
          {of.isBusy ? "Loading older …" : "Load older"}
        </Button>
      )}
    </div>
  );
}

function Line({ of }: { of: Entry }) {
  const more = [...placed(of), ...(of.fields ?? []).map((it) => [it.name, it.value])];
  return (
    <>
      <time dateTime={of.at}>{clock(of.at)}</time>
      <span className={css.level} data-tone={TONES[of.level] ?? "idle"}>
        {of.level.toUpperCase()}
      </span>
      {of.node && <span className={css.node}>{of.node}</span>}
      <span className={css.quiet}>{room(of.target)}</span>
      {of.code && <span className={css.quiet}>{of.code}</span>}
      <span>{of.message}</span>
      {more.length > 0 && (
        <span className={css.quiet}>
          {more.map(([name, value]) => `${name}=${value}`).join(" ")}
        </span>
      )}
    </>
  );
}

/** All that a line says. */
function Whole({ of }: { of: Entry }) {
  const fields = (of.fields ?? []).map((it): [string, ReactNode] => [it.name, it.value]);
  return (
    <section className={css.detail} aria-label="The line that is chosen">
      <p className={css.message}>{of.message}</p>
      <Facts
        of={[
          [
            "Time",
            <time key="t" dateTime={of.at} className="mono">
              {of.at}
            </time>,
          ],
          ["Level", of.level],
          ["Code", of.code],
          [
            "Node",
            of.node && (
              <Link key="n" to="/nodes/$name" params={{ name: of.node }}>
                {of.node}
              </Link>
            ),
          ],
          [
            "Logger",
            <span key="l" className="mono">
              {of.target}
            </span>,
          ],
          ...placed(of).map(([it, value]): [string, ReactNode] => [it, linked(it, value)]),
          [
            "Request",
            of.trace && (
              <span key="r" className="mono">
                {of.trace}
              </span>
            ),
          ],
          ["Number", of.number],
          ...fields,
        ]}
      />
    </section>
  );
}

const placed = (of: Entry): [string, string][] =>
  (["project", "workflow", "stage", "stream"] as const).flatMap((it) => {
    const value = of[it];
    return value ? [[it, value] as [string, string]] : [];
  });

/** To where it is shown; a stage is part of its workflow's page, which leads there. */
function linked(what: string, name: string): ReactNode {
  if (what === "workflow")
    return (
      <Link to="/workflows/$name" params={{ name }}>
        {name}
      </Link>
    );
  if (what === "stream")
    return (
      <Link to="/streams/$id" params={{ id: name }}>
        {name}
      </Link>
    );
  return name;
}

/** Hours to milliseconds, where the browser is. */
function clock(at: string): string {
  const it = new Date(at);
  const two = (n: number) => String(n).padStart(2, "0");
  const ms = String(it.getMilliseconds()).padStart(3, "0");
  return `${two(it.getHours())}:${two(it.getMinutes())}:${two(it.getSeconds())}.${ms}`;
}

/** The room that speaks: `weir_stream::report` is `stream`. */
const room = (target: string) => (target.split("::")[0] ?? target).replace(/^weir_/, "");
