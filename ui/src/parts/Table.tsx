import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useAddressed } from "./addressed";
import css from "./parts.module.css";
import { moved, type Sortable, type Sorting, sorted, sortingOf, withSorting } from "./table";

export interface Column<T> {
  id: string;
  title: string;
  cell: (row: T) => ReactNode;
  /** What it is sorted by; without it, it is not. */
  value?: (row: T) => Sortable;
  isNumber?: boolean;
  width?: string;
  /** It has what the others leave, and is cut there. */
  isRest?: boolean;
}

interface TableProps<T> {
  name: string;
  columns: Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** What a row is called where it is chosen, if its key says nothing to a person. */
  nameOf?: (row: T) => string;
  onOpen?: (row: T) => void;
  sorting?: Sorting;
  empty?: ReactNode;
  /** Rows that are chosen, by key; a column with boxes is there where it is given. */
  chosen?: ReadonlySet<string>;
  onChoose?: (chosen: Set<string>) => void;
  /** Somebody went to the end, by wheel or by key: there may be more to show. */
  onEnd?: () => void;
}

const ROW_PX = 30;

/** Any number of rows: those in view are drawn. `j` `k` move, `Enter` opens, `x` chooses. */
export function Table<T>(props: TableProps<T>) {
  const [sorts, setSorts] = useAddressed("sort");
  const said = sortingOf(sorts, props.name) ?? props.sorting;
  const { by, isDown = false } = said ?? {};
  const [at, setAt] = useState(0);
  const frame = useRef<HTMLDivElement>(null);
  const column = props.columns.find((it) => it.id === by && it.value);
  const sorting = column && { by: column.id, isDown };
  const rows = useMemo(
    () => sorted(props.rows, column?.value, isDown),
    [props.rows, column, isDown],
  );
  const drawn = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
    initialRect: { width: 800, height: 600 },
  });
  const choose = (row: T) => {
    const chosen = new Set(props.chosen);
    if (!chosen.delete(props.keyOf(row))) chosen.add(props.keyOf(row));
    props.onChoose?.(chosen);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const row = rows[at];
    if (event.key === "Enter" && row) props.onOpen?.(row);
    else if (event.key === "x" && row && props.onChoose) choose(row);
    else if (/^(j|k|Arrow(Up|Down)|Page(Up|Down)|Home|End)$/.test(event.key)) {
      const next = moved(at, event.key, rows.length);
      setAt(next);
      drawn.scrollToIndex(next);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const items = drawn.getVirtualItems();
  const { onEnd } = props;
  const isAtEnd = rows.length > 0 && (items.at(-1)?.index ?? 0) >= rows.length - 1;
  // What is all in view was not gone through: rows that a filter leaves out would be read without end.
  const isGone = isAtEnd && (frame.current?.scrollTop ?? 0) > 0;
  useEffect(() => {
    if (isGone && rows.length > 0) onEnd?.();
  }, [isGone, rows.length, onEnd]);
  if (props.rows.length === 0 && props.empty) return props.empty;
  const [before, after] = [items[0]?.start ?? 0, drawn.getTotalSize() - (items.at(-1)?.end ?? 0)];
  const width = props.columns.length + (props.onChoose ? 1 : 0);
  return (
    <section
      ref={frame}
      className={css.scroll}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reached by the keyboard
      tabIndex={0}
      onKeyDown={onKey}
      aria-label={props.name}
    >
      <table className={css.table} aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            {props.onChoose && (
              <th className={css.box}>
                <span className="hidden">Chosen</span>
              </th>
            )}
            {props.columns.map((it) => (
              <Head
                key={it.id}
                column={it}
                sorting={sorting}
                onSort={(it) => setSorts(withSorting(sorts, props.name, it))}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && (
            <tr style={{ height: before }}>
              <td colSpan={width} />
            </tr>
          )}
          {items.map(({ index }) => {
            const row = rows[index] as T;
            const key = props.keyOf(row);
            return (
              <tr
                key={key}
                aria-rowindex={index + 2}
                data-at={index === at || undefined}
                data-open={props.onOpen ? true : undefined}
                onClick={(event) => {
                  setAt(index);
                  const isOwn = (event.target as HTMLElement).closest("a, button, input, label");
                  if (!isOwn && !getSelection()?.toString()) props.onOpen?.(row);
                }}
              >
                {props.onChoose && (
                  <td className={css.box}>
                    <input
                      type="checkbox"
                      checked={props.chosen?.has(key) ?? false}
                      onChange={() => choose(row)}
                      aria-label={`Choose ${props.nameOf?.(row) ?? key}`}
                    />
                  </td>
                )}
                {props.columns.map((it) => (
                  <td
                    key={it.id}
                    className={it.isNumber ? "num" : it.isRest ? css.rest : undefined}
                  >
                    {it.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {after > 0 && (
            <tr style={{ height: after }}>
              <td colSpan={width} />
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}

function Head<T>(props: {
  column: Column<T>;
  sorting: Sorting | undefined;
  onSort: (it: Sorting) => void;
}) {
  const { id, title, value, isNumber, isRest, width } = props.column;
  const isBy = props.sorting?.by === id;
  const order = isBy ? (props.sorting?.isDown ? "descending" : "ascending") : undefined;
  const sort = () =>
    props.onSort({ by: id, isDown: isBy ? !props.sorting?.isDown : isNumber === true });
  return (
    <th
      aria-sort={order}
      className={isNumber ? "right" : isRest ? css.rest : undefined}
      style={width ? { width } : undefined}
      scope="col"
    >
      {value ? (
        <button type="button" onClick={sort}>
          {title}
          <span aria-hidden="true">{isBy ? (props.sorting?.isDown ? " ↓" : " ↑") : ""}</span>
        </button>
      ) : (
        title
      )}
    </th>
  );
}
