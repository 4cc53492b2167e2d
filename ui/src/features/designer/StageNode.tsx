import { Handle, type NodeProps, Position } from "@xyflow/react";
import { memo } from "react";
import { count, words } from "../../logic/format";
import css from "./designer.module.css";
import { portTop, type StageNodeType } from "./nodes";

const GLYPH = { source: "▶", operator: "◇", sink: "■" };

function Stage({ data, selected }: NodeProps<StageNodeType>) {
  const { stage, errors, warnings, isInherited, failed } = data;
  const { id, role, kind, asset, ports } = stage;
  return (
    <div
      className={css.stage}
      data-role={role}
      data-selected={selected || undefined}
      data-inherited={isInherited || undefined}
    >
      {role !== "source" && <Handle type="target" position={Position.Left} />}
      <div className={css.title}>
        <span aria-hidden="true">{GLYPH[role]}</span>
        <strong className="cut">{id}</strong>
        {errors + warnings > 0 && (
          <span className={css.bad} data-tone={errors > 0 ? "err" : "warn"}>
            {errors > 0 ? "▲" : "◆"} {errors + warnings}
            <span className="hidden"> problems</span>
          </span>
        )}
      </div>
      <div className={css.kind}>
        <span className="muted cut">
          {asset && <span aria-hidden="true">⛁ </span>}
          {asset ? kind : kind ? words(kind) : "nothing chosen yet"}
          {isInherited && " · inherited"}
        </span>
        {failed > 0 && (
          <span className={css.failed} data-tone="err">
            ✗ {count(failed)} failed
          </span>
        )}
      </div>
      {ports.map((port, at) => (
        <div key={port} className={css.port} style={{ top: portTop(at) }}>
          {port !== "out" && <span className="cut">{port}</span>}
          <Handle type="source" id={port} position={Position.Right} title={`Port ${port}`} />
        </div>
      ))}
    </div>
  );
}

export const StageNode = memo(Stage);
