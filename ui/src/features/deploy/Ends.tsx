import type { ReactNode } from "react";
import { Confirm } from "../../parts/Act";
import { Mark } from "../../parts/State";
import { Ago } from "../../parts/When";
import css from "./deploy.module.css";
import type { Ended } from "./ended";

/** Whose work ends with the plan, and why that is so. */
export function EndsOfOthers({ of }: { of: readonly Ended[] }) {
  return (
    <div className={css.ends} role="alert">
      <Mark tone="err">It ends what other projects run on this cluster</Mark>
      <ul aria-label="What ends of other projects">
        {of.map((it) => (
          <li key={it.project}>
            <strong>{it.project}</strong>: {it.workflows.join(", ")}{" "}
            {it.lastStreamAt && (
              <span className="muted">
                last busy <Ago at={it.lastStreamAt} />
              </span>
            )}
          </li>
        ))}
      </ul>
      <p className="muted small">
        Nodes run what is in the default deployment, and nothing else. <em>Based on</em> takes
        nothing over from another one. Choose <em>Nothing runs</em> to store this one only, and give
        it nodes of its own in <em>Deployments</em>.
      </p>
    </div>
  );
}

/** It can't be looked whose it is: it may be the work of others. */
export function EndsUnknown({ of, why }: { of: readonly string[]; why: string | undefined }) {
  return (
    <div className={css.ends} role="alert">
      <Mark tone="err">It is not known whose work it ends or starts anew</Mark>
      <p>{of.join(", ")}</p>
      {why && <p className="muted small">{why}</p>}
    </div>
  );
}

interface ConfirmEndsProps {
  /** What must be typed: whose work ends, or the tag where that is not known. */
  typed: string;
  children: ReactNode;
  tag: string;
  onDo: () => void;
  onClose: () => void;
}

/** Nobody ends the work of others by a habit. */
export function ConfirmEnds({ typed, children, tag, onDo, onClose }: ConfirmEndsProps) {
  return (
    <Confirm
      title={`Make ${tag} the default`}
      verb="Deploy, and end these"
      typed={typed}
      isDanger
      onDo={async () => onDo()}
      onClose={onClose}
    >
      {children}
    </Confirm>
  );
}
