import type { Schemas } from "../../api/client";
import { plural } from "../../logic/format";
import { Act } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import css from "./scheduler.module.css";

/** What a draft starts and stops, and why there. */
export function Plan({ plan }: { plan: Schemas["SchedulePlan"] }) {
  const short = plan.workflows.filter((it) => it.missing > 0);
  const isSame = plan.starts.length + plan.stops.length === 0;
  return (
    <Panel title={`Preview, for revision ${plan.revision}`}>
      {isSame && <p>Nothing starts and nothing stops.</p>}
      <ul className={css.plan}>
        {plan.starts.map((it) => (
          <li key={`+${it.workflow}${it.number}`}>
            <span data-tone="ok">+</span> {it.workflow} #{it.number} starts on{" "}
            <strong>{it.node}</strong> <span className="muted">{it.why}</span>
          </li>
        ))}
        {plan.stops.map((it) => (
          <li key={`-${it.workflow}${it.number}`}>
            <span data-tone="err">−</span> {it.workflow} #{it.number} stops on{" "}
            <strong>{it.node}</strong> <span className="muted">{it.why}</span>
          </li>
        ))}
        {short.map((it) => (
          <li key={it.workflow}>
            <span data-tone="warn">◆</span> {it.workflow}: {plural(it.missing, "instance")} can't be
            placed{" "}
            <span className="muted">{it.reasons?.map((reason) => reason.detail).join("; ")}</span>
          </li>
        ))}
        {plan.warnings.map((it) => (
          <li key={it}>
            <span data-tone="warn">◆</span> {it}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** In the place of a preview that may be wrong by now. */
export function Outdated({ onAgain }: { onAgain: () => void }) {
  return (
    <Panel
      title="Preview"
      side={<Act label="Preview again" claim="schedule:read" isMain onAct={onAgain} />}
    >
      <p role="status">
        ◆ The schedule has changed since you looked at what your draft would do. Nothing was applied
        and your draft is kept: look at it again, then apply it.
      </p>
    </Panel>
  );
}
