import type { Schemas } from "../../api/client";
import { bytes, count } from "../../logic/format";
import { Moment } from "../../parts/When";
import css from "./savepoints.module.css";

/** What a checkpoint of a lane holds: where sources read on, and what stages remember. */
export function Checkpoint({ lane, of }: { lane: string; of: Schemas["Checkpoint"] }) {
  return (
    <div className={css.lane}>
      <p>
        <strong>{lane}</strong> <span className="muted">at</span>{" "}
        <span className="mono">{of.epoch}</span>{" "}
        <span className="muted">
          taken <Moment at={of.takenAt} />, {bytes(of.bytes)}
        </span>
      </p>
      {of.stages.length === 0 && <p className="muted">Nothing is remembered.</p>}
      <ul>
        {of.stages.map((it) => (
          <li key={it.stage}>
            <strong>{it.stage}</strong>
            {it.isEnded && <span className="muted"> has nothing more to read</span>}
            {Object.entries(it.splits ?? {}).map(([split, position]) => (
              <p key={split} className={css.split}>
                <span className="muted">reads</span> <span className="mono">{split}</span>{" "}
                <span className="muted">from</span>{" "}
                <span className="mono">{JSON.stringify(position)}</span>
              </p>
            ))}
            {it.tables.map((table) => (
              <p key={table.table} className={css.split}>
                <span className="muted">table</span> <span className="mono">{table.table}</span>{" "}
                <span className="muted">
                  {table.kind}
                  {table.entries !== undefined &&
                    table.entries !== null &&
                    `, ${count(table.entries)} entries`}
                  , {bytes(table.bytes)}
                </span>
              </p>
            ))}
          </li>
        ))}
      </ul>
    </div>
  );
}
