// What changed in a workflow: drawn, counted, as a list, and field by field of what is chosen.
import { Button, Checkbox } from "@mantine/core";
import { useMemo, useState } from "react";
import { DiffGraph } from "./DiffGraph";
import css from "./diff.module.css";
import { FieldsOf, Settings } from "./Fields";
import { type GraphDiff, narrowed } from "./graphDiff";
import { Legend } from "./Legend";
import { List } from "./List";
import { becameOf, overall, unmoved } from "./said";

/** Of so many, what changed is shown first: it would be hard to find among the others. */
const MANY = 150;

interface DrawnDiffProps {
  /** What is compared, as `flights`. */
  name: string;
  of: GraphDiff;
}

export function DrawnDiff({ name, of }: DrawnDiffProps) {
  const [isNarrow, setNarrow] = useState(() => of.stages.length > MANY && !isSame(of));
  const [chosen, setChosen] = useState<string>();
  const shown = useMemo(() => (isNarrow ? narrowed(of) : of), [of, isNarrow]);
  const changed = useMemo(() => of.stages.filter((it) => it.change !== "same"), [of]);
  const found = shown.stages.find((it) => it.stage.id === chosen);
  const at = changed.findIndex((it) => it.stage.id === chosen);
  const step = (by: number) => {
    const next = at < 0 ? (by > 0 ? 0 : changed.length - 1) : at + by;
    setChosen(changed[(next + changed.length) % changed.length]?.stage.id);
  };
  return (
    <section className={css.drawn} aria-label={`What changed in ${name}`}>
      <div className={css.head}>
        <Legend of={of} />
        <div className={css.tools}>
          <Checkbox
            size="xs"
            label="Only changes"
            checked={isNarrow}
            onChange={(event) => setNarrow(event.currentTarget.checked)}
          />
          <Button size="compact-xs" disabled={changed.length === 0} onClick={() => step(-1)}>
            Previous<span className="hidden"> change</span>
          </Button>
          <Button size="compact-xs" disabled={changed.length === 0} onClick={() => step(1)}>
            Next<span className="hidden"> change</span>
          </Button>
        </div>
      </div>
      {shown.stages.length > 0 ? (
        <DiffGraph name={name} of={shown} chosen={found?.stage.id} onChoose={setChosen} />
      ) : (
        <p className="muted">{of.stages.length === 0 ? "It has no stages." : unmoved(of)}</p>
      )}
      <p className="muted small" role="status">
        {found ? `${found.stage.id}: ${becameOf(found)}` : overall(of)}
      </p>
      {found && <FieldsOf of={found} />}
      <Settings of={of.settings} />
      <List of={of} chosen={found?.stage.id} onChoose={setChosen} />
    </section>
  );
}

const isSame = ({ stages, edges, settings }: GraphDiff) =>
  settings.length === 0 && [...stages, ...edges].every((it) => it.change === "same");
