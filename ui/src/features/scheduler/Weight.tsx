import { useState } from "react";
import type { Schemas } from "../../api/client";
import { changed, type Draft, wanted } from "./draft";
import css from "./scheduler.module.css";

interface WeightProps {
  of: Schemas["ScheduledWorkflow"];
  draft: Draft;
  onEdit: (it: Draft) => void;
}

/** The weight as it is typed. What is none changes nothing, and is gone when the field is left. */
export function Weight({ of, draft, onEdit }: WeightProps) {
  const { weight } = wanted(draft, of);
  const [typed, setTyped] = useState<string>();
  const isNone = typed !== undefined && !isWeight(typed);
  return (
    <input
      className={css.weight}
      type="number"
      min={1}
      step={1}
      aria-label={`Weight of ${of.workflow}`}
      aria-invalid={isNone || undefined}
      title={isNone ? "A whole number, 1 or more" : undefined}
      value={typed ?? weight}
      data-other={weight !== of.settings.weight || undefined}
      onChange={(event) => {
        const now = event.currentTarget.value;
        setTyped(now);
        onEdit(changed(draft, of, { weight: isWeight(now) ? Number(now) : of.settings.weight }));
      }}
      onBlur={() => setTyped(undefined)}
    />
  );
}

const isWeight = (it: string) => /^[1-9]\d*$/.test(it);
