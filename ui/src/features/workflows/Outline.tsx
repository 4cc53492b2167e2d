import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useRef } from "react";
import type { Schemas } from "../../api/client";
import { short, words } from "../../logic/format";
import { edgeId } from "./edges";
import css from "./graph.module.css";
import { useStage } from "./numbers";
import type { Line } from "./outline";
import { edgeSaid } from "./said";

type Edge = Schemas["Edge"];

/** A line without edges to several stages. */
const ROW_PX = 26;

interface OutlineProps {
  lines: readonly Line[];
  chosen: string | undefined;
  /** The edge whose records are shown, by its id. */
  looked: string | undefined;
  onChoose: (id: string) => void;
  onEdge: (it: Edge) => void;
}

/** The graph line by line: of any number of stages those in view are drawn. */
export const Outline = memo(({ lines, chosen, looked, onChoose, onEdge }: OutlineProps) => {
  const frame = useRef<HTMLDivElement>(null);
  const drawn = useVirtualizer({
    count: lines.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => lines[index]?.id ?? index,
    overscan: 12,
    initialRect: { width: 800, height: 600 },
  });
  const items = drawn.getVirtualItems();
  const [before, after] = [items[0]?.start ?? 0, drawn.getTotalSize() - (items.at(-1)?.end ?? 0)];
  return (
    <div ref={frame} className={css.outline}>
      <ul style={{ paddingTop: before, paddingBottom: after }}>
        {items.map(({ index, key }) => {
          const line = lines[index];
          if (!line) return null;
          const { id, feeds } = line;
          return (
            <li
              key={key}
              ref={drawn.measureElement}
              data-index={index}
              // Not all of them are there to be counted.
              aria-setsize={lines.length}
              aria-posinset={index + 1}
              style={{ paddingLeft: line.depth * 18 }}
            >
              <Row
                line={line}
                isChosen={id === chosen}
                looked={looked && feeds.some((it) => edgeId(it) === looked) ? looked : undefined}
                onChoose={onChoose}
                onEdge={onEdge}
              />
            </li>
          );
        })}
      </ul>
    </div>
  );
});

interface RowProps extends Pick<OutlineProps, "looked" | "onChoose" | "onEdge"> {
  line: Line;
  isChosen: boolean;
}

const Row = memo(({ line, isChosen, looked, onChoose, onEdge }: RowProps) => {
  const counts = useStage(line.id, ({ counts: { recordsIn, recordsOut } }) => ({
    taken: short(recordsIn),
    sent: short(recordsOut),
  }));
  return (
    <>
      <button type="button" aria-pressed={isChosen} onClick={() => onChoose(line.id)}>
        <strong>{line.id}</strong>
        <span className="muted">{words(line.kind)}</span>
      </button>
      <span className={css.feeds}>
        {line.feeds.map((it) => (
          <button
            key={`${it.port} ${it.to}`}
            type="button"
            aria-pressed={edgeId(it) === looked}
            onClick={() => onEdge(it)}
          >
            <span className="hidden">{edgeSaid(it)}</span>
            <span aria-hidden="true">
              {it.port !== "out" && `${it.port} `}→ {it.to}
            </span>
          </button>
        ))}
      </span>
      <span className="mono">{counts?.taken} in</span>
      <span className="mono">{counts?.sent} out</span>
    </>
  );
});
