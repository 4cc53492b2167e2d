import { plural } from "../../logic/format";
import { Changed } from "../editor/Changed";
import css from "./diff.module.css";
import type { DiffStage, Field } from "./graphDiff";

/** What changed in a stage; of one that came or went, all that it says. */
export function FieldsOf({ of }: { of: DiffStage }) {
  const { stage, change, fields, isUnknown } = of;
  const isWhole = change === "added" || change === "removed";
  const isKnown = Object.keys(stage.config).length > 0;
  const untold = <p className="muted small">What is set in it is not told by the cluster.</p>;
  if (isWhole && !isKnown) return untold;
  const whole: Field[] = [
    {
      path: stage.id,
      before: change === "removed" ? stage.config : "",
      after: change === "removed" ? "" : stage.config,
    },
  ];
  const shown = isWhole ? whole : fields;
  return (
    <>
      {shown.length > 0 && <All of={shown} name={stage.id} />}
      {isUnknown && untold}
    </>
  );
}

/** What changed beside the stages. */
export function Settings({ of }: { of: readonly Field[] }) {
  if (of.length === 0) return null;
  return (
    <details className={css.more}>
      <summary>Beside the stages: {plural(of.length, "field")} changed</summary>
      <All of={of} name="the workflow itself" />
    </details>
  );
}

function All({ of, name }: { of: readonly Field[]; name: string }) {
  return (
    <dl className={css.all} aria-label={`What changed in ${name}`}>
      {of.map((it) => (
        <div key={it.path}>
          <dt>
            <code>{it.path}</code>
          </dt>
          <dd>
            <Changed
              before={said(it.before)}
              after={it.before === "" ? it.after : said(it.after, "")}
            />
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** What is there without a value is written; what is not there has no lines. */
const said = (it: unknown, none?: string) => (it === null ? "null" : (it ?? none));
