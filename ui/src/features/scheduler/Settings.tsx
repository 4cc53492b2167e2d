// What a row of the schedule lets one draft: how many, how heavy, and the rules of its nodes.
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { useLacks } from "../../parts/Act";
import { Count } from "./Count";
import { changed, type Draft, rules, said, wanted } from "./draft";
import { Limits } from "./Limits";
import css from "./scheduler.module.css";

interface Editing {
  of: Schemas["ScheduledWorkflow"];
  draft: Draft;
  onEdit: (it: Draft) => void;
}

export function Target({ of, draft, onEdit }: Editing) {
  const not = useLacks("schedule:write");
  const { target, isUnset } = wanted(draft, of);
  const isOther = target !== of.target || isUnset;
  const edit = (it: number | "unset" | undefined) =>
    onEdit(changed(draft, of, { target: it ?? of.target }));
  return (
    <span className={css.stepper}>
      <Step
        label={`One less of ${of.workflow}`}
        not={not ?? (target === 0 ? "There is none" : undefined)}
        onAct={() => edit(target - 1)}
      >
        −
      </Step>
      <Count
        label={`Target of ${of.workflow}`}
        value={target}
        min={0}
        isOther={isOther}
        not={not}
        onEdit={edit}
      />
      <Step label={`One more of ${of.workflow}`} not={not} onAct={() => edit(target + 1)}>
        +
      </Step>
      {typeof of.settings.target === "number" && !isOther && !not && (
        <button
          type="button"
          className={css.unset}
          title="Back to what the deployment says"
          onClick={() => edit("unset")}
        >
          unset<span className="hidden"> the target of {of.workflow}</span>
        </button>
      )}
      {isOther && (
        <span className="muted small">
          {isUnset ? "as the deployment says, was" : "was"} {of.target}
        </span>
      )}
    </span>
  );
}

interface StepProps {
  label: string;
  not: string | undefined;
  onAct: () => void;
  children: string;
}

/** A button that says why it does nothing. */
const Step = ({ label, not, onAct, children }: StepProps) => (
  <button
    type="button"
    aria-label={label}
    aria-disabled={not ? true : undefined}
    title={not}
    onClick={not ? undefined : onAct}
  >
    {children}
  </button>
);

export function Weight({ of, draft, onEdit }: Editing) {
  const { weight } = wanted(draft, of);
  const set = of.settings.weight;
  const not = useLacks("schedule:write");
  return (
    <Count
      label={`Weight of ${of.workflow}`}
      value={weight}
      min={1}
      isOther={weight !== set}
      not={not}
      onEdit={(it) => onEdit(changed(draft, of, { weight: it ?? set }))}
    />
  );
}

/** The rules in short; all of them are changed in a dialog. */
export function Bounds({ of, draft, onEdit, ...known }: Editing & { nodes: string[] }) {
  const [isOpen, setOpen] = useState(false);
  const all = rules(draft, of);
  const not = useLacks("schedule:write");
  return (
    <>
      <button
        type="button"
        className={css.bounds}
        data-other={all.some((it) => it.isOther) || undefined}
        aria-disabled={not ? true : undefined}
        title={not}
        onClick={not ? undefined : () => setOpen(true)}
      >
        {all.map(said).join(", ")} …<span className="hidden"> limits of {of.workflow}</span>
      </button>
      {isOpen && (
        <Limits of={of} draft={draft} onEdit={onEdit} {...known} onClose={() => setOpen(false)} />
      )}
    </>
  );
}
