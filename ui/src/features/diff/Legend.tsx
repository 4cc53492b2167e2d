import { count } from "../../logic/format";
import css from "./diff.module.css";
import { type Change, counted, type GraphDiff } from "./graphDiff";
import { SIGNS } from "./said";

const ORDER: readonly Change[] = ["added", "removed", "changed", "renamed", "same"];
const OF_EDGES = ["added", "removed"] as const;
const SAID: Record<Change, string> = {
  added: "added",
  removed: "removed",
  changed: "changed",
  renamed: "renamed",
  same: "the same",
};

/** What the signs mean, and how many there are of each. */
export function Legend({ of }: { of: GraphDiff }) {
  const [stages, edges] = [counted(of.stages), counted(of.edges)];
  const isUnknown = of.stages.some((it) => it.isUnknown);
  return (
    <div className={css.legends}>
      <Signs
        name="Stages"
        counts={stages}
        of={ORDER}
        same={isUnknown ? "there before, too" : SAID.same}
      />
      <Signs name="Connections" counts={edges} of={OF_EDGES} />
    </div>
  );
}

interface SignsProps {
  name: string;
  counts: Partial<Record<Change, number>>;
  of: readonly Change[];
  /** What is said of those of which nothing else can be. */
  same?: string;
}

function Signs({ name, counts, of, same = SAID.same }: SignsProps) {
  const shown = of.filter((it) => counts[it]);
  if (shown.length === 0) return null;
  return (
    <div className={css.legend}>
      <span className="muted">{name}:</span>
      <ul aria-label={name}>
        {shown.map((it) => (
          <Entry key={it} of={it} many={counts[it] ?? 0} said={it === "same" ? same : SAID[it]} />
        ))}
      </ul>
    </div>
  );
}

function Entry({ of, many, said }: { of: Change; many: number; said: string }) {
  const [sign, tone] = SIGNS[of];
  return (
    <li data-tone={tone}>
      <span className={css.sign} aria-hidden="true">
        {sign}
      </span>{" "}
      {count(many)} {said}
    </li>
  );
}
