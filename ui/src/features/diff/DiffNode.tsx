import { Handle, type NodeProps, Position } from "@xyflow/react";
import { memo } from "react";
import drawn from "../designer/designer.module.css";
import { portTop } from "../designer/nodes";
import css from "./diff.module.css";
import type { DiffNodeType } from "./nodes";
import { kindSaid, SIGNS, stageSaid } from "./said";

const GLYPH = { source: "▶", operator: "◇", sink: "■" };

/** A stage as the designer draws it, with what became of it. */
function Stage({ data, selected }: NodeProps<DiffNodeType>) {
  const { of } = data;
  const { stage, change, formerName, fields } = of;
  const [sign, tone] = SIGNS[change];
  return (
    <div
      className={`${drawn.stage} ${css.stage}`}
      data-role={stage.role}
      data-change={change}
      data-tone={tone}
      data-selected={selected || undefined}
    >
      <span className="hidden">{stageSaid(of)}</span>
      {stage.role !== "source" && (
        <Handle type="target" position={Position.Left} isConnectable={false} />
      )}
      <div className={drawn.title} aria-hidden="true">
        <span>{GLYPH[stage.role]}</span>
        <strong className="cut">{stage.id}</strong>
        {change !== "same" && (
          <span className={css.badge}>
            {sign}
            {fields.length > 0 && ` ${fields.length}`}
          </span>
        )}
      </div>
      <div className={drawn.kind} aria-hidden="true">
        <span className="muted cut">
          {formerName !== undefined ? `was ${formerName}` : kindSaid(of)}
        </span>
      </div>
      {stage.ports.map((port, at) => (
        <div key={port} className={drawn.port} style={{ top: portTop(at) }} aria-hidden="true">
          {port !== "out" && <span className="cut">{port}</span>}
          <Handle type="source" id={port} position={Position.Right} isConnectable={false} />
        </div>
      ))}
    </div>
  );
}

export const DiffNode = memo(Stage);
