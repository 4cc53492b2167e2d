import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Drawn } from "../live/series";
import { time } from "../logic/format";
import { useNow } from "../logic/now";
import { useAddressed } from "./addressed";
import css from "./chart.module.css";
import { isNamed, toggled } from "./table";

export interface Series {
  name: string;
  /** A token, as `--accent`. */
  color: string;
  dash?: number[];
}

interface ChartProps {
  name: string;
  series: Series[];
  /** Asked for once per second. */
  read: () => Drawn;
  format: (value: number) => string;
  height?: number;
}

/** Where a scale has marks: at whole numbers, which every kind of number can be written as. */
const MARKS = Array.from({ length: 16 }, (_, power) =>
  [1, 2, 5].map((it) => it * 10 ** power),
).flat();
const FONT = '11px "Inter Variable", sans-serif';

/** Lines over time. What it shows is given as a table, too. */
export function Chart({ name, series, read, format, height = 150 }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const [tables, setTables] = useAddressed("table");
  const isTable = isNamed(tables, name);
  const now = useNow();
  const scheme = document.documentElement.getAttribute("data-mantine-color-scheme");

  // biome-ignore lint/correctness/useExhaustiveDependencies: it is made anew for other colours alone
  useEffect(() => {
    const target = place.current;
    if (!target || isTable) return;
    const color = (token: string) => getComputedStyle(target).getPropertyValue(token).trim();
    const axis = {
      stroke: color("--muted"),
      font: FONT,
      grid: { stroke: color("--border"), width: 1 },
      ticks: { show: false },
    };
    const made = new uPlot(
      {
        width: Math.max(target.clientWidth, 100),
        height,
        legend: { show: false },
        cursor: { sync: { key: "weir" }, y: false },
        padding: [8, 8, 0, 0],
        scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.1, 1)] } },
        axes: [
          {
            ...axis,
            space: 70,
            size: 26,
            values: (_, all) => all.map((it) => time(it * 1_000).slice(0, -3)),
          },
          { ...axis, size: 58, space: 32, incrs: MARKS, values: (_, all) => all.map(format) },
        ],
        series: [
          {},
          ...series.map((it) => ({
            label: it.name,
            stroke: color(it.color),
            width: 1.5,
            dash: it.dash,
            points: { show: false },
          })),
        ],
      },
      read(),
      target,
    );
    plot.current = made;
    const resize = new ResizeObserver(() =>
      made.setSize({ width: Math.max(target.clientWidth, 100), height }),
    );
    resize.observe(target);
    return () => {
      resize.disconnect();
      plot.current = null;
      made.destroy();
    };
  }, [scheme, isTable, height]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: once per second
  useEffect(() => {
    if (!document.hidden) plot.current?.setData(read());
  }, [now]);

  const [times, ...values] = read();
  return (
    <figure className={css.chart}>
      <figcaption>
        {series.map((it, index) => (
          <span key={it.name} className={css.key} style={{ color: `var(${it.color})` }}>
            {it.dash ? "┄" : "━"} <span>{it.name}</span>{" "}
            <span className="mono">{said(values[index]?.at(-1), format)}</span>
          </span>
        ))}
        <span className="grow muted small">{since(times, values[0])}</span>
        <button type="button" onClick={() => setTables(toggled(tables, name))}>
          {isTable ? "As lines" : "As table"}
        </button>
      </figcaption>
      {isTable ? (
        <Numbers name={name} series={series} times={times} values={values} format={format} />
      ) : (
        <div ref={place} role="img" aria-label={`${name}, over time`} />
      )}
    </figure>
  );
}

const said = (value: number | null | undefined, format: ChartProps["format"]) =>
  typeof value === "number" ? format(value) : "–";

/** From when on there is something, where that is not all of the time. */
function since(times: number[], values: readonly (number | null)[] = []): string {
  const first = values.findIndex((it) => it !== null);
  if (first === 0) return "";
  return first < 0 ? "nothing seen yet" : `seen since ${time((times[first] ?? 0) * 1_000)}`;
}

function Numbers(props: {
  name: string;
  series: Series[];
  times: number[];
  values: (number | null)[][];
  format: (it: number) => string;
}) {
  // The last minute, newest first.
  const rows = props.times
    .map((_, at) => at)
    .slice(-60)
    .reverse();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reached by the keyboard
    <section className={css.numbers} tabIndex={0} aria-label={props.name}>
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {props.series.map((it) => (
              <th key={it.name} scope="col">
                {it.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((at) => (
            <tr key={props.times[at]}>
              <td className="mono">
                {new Date((props.times[at] ?? 0) * 1_000).toLocaleTimeString("en-GB")}
              </td>
              {props.values.map((it, index) => (
                <td key={props.series[index]?.name} className="num">
                  {said(it[at], props.format)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
