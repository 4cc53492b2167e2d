import { plural } from "../../logic/format";
import css from "./diff.module.css";
import type { DiffStage, GraphDiff } from "./graphDiff";
import { becameOf, edgeSaid, kindSaid, SIGNS, unmoved } from "./said";

interface ListProps {
  of: GraphDiff;
  chosen?: string;
  /** Absent: there is nothing beside it that shows more of a stage. */
  onChoose?: (id: string | undefined) => void;
  isOpen?: boolean;
}

/** What the graph shows, line by line. */
export function List({ of, chosen, onChoose, isOpen = false }: ListProps) {
  const stages = of.stages.filter((it) => it.change !== "same");
  const edges = of.edges.filter((it) => it.change !== "same");
  if (stages.length + edges.length === 0)
    return isOpen ? <p className="muted">{unmoved(of)}</p> : null;
  return (
    <details className={css.more} open={isOpen}>
      <summary>
        As a list: {plural(stages.length, "stage")}
        {edges.length > 0 && `, ${plural(edges.length, "connection")}`}
      </summary>
      <ul className={css.list} aria-label="What changed">
        {stages.map((it) => (
          <li key={it.stage.id} data-tone={SIGNS[it.change][1]}>
            {onChoose ? (
              <button
                type="button"
                aria-pressed={it.stage.id === chosen}
                onClick={() => onChoose(it.stage.id === chosen ? undefined : it.stage.id)}
              >
                <Line of={it} />
              </button>
            ) : (
              <Line of={it} />
            )}
          </li>
        ))}
        {edges.map((it) => (
          <li key={`${it.from} ${it.port} ${it.to}`} data-tone={SIGNS[it.change][1]}>
            <span className={css.sign} aria-hidden="true">
              {SIGNS[it.change][0]}
            </span>
            {edgeSaid(it)}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Line({ of }: { of: DiffStage }) {
  return (
    <>
      <span className={css.sign} aria-hidden="true">
        {SIGNS[of.change][0]}
      </span>
      <strong>{of.stage.id}</strong>
      <span className="muted">{kindSaid(of)}</span>
      <span>{becameOf(of)}</span>
    </>
  );
}
