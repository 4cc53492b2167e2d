// What came in at a stage and what went out, record by record, side by side.
import { count, plural } from "../../logic/format";
import {
  type Change,
  changes,
  counts,
  FATE,
  type InScript,
  inScript,
  type Passage,
  type Stage,
  said,
  shortened,
} from "./passages";
import css from "./samples.module.css";

interface PassagesProps {
  stage: Stage;
  isWhole: boolean;
  /** Leads to the place in the script, where there is one to go to. */
  onScript: (at: InScript) => (() => void) | undefined;
}

/** Beyond this many characters a value is cut, as the server does with texts. */
const VALUE_MAX = 2_000;

export function Passages({ stage, isWhole, onScript }: PassagesProps) {
  const items = new Set(stage.records.map((it) => it.item ?? ""));
  return (
    <div className={css.passages}>
      <p className="small">
        <strong>{stage.stage}</strong>{" "}
        <span className="muted">
          {stage.kind}: {counts(stage)}
          {stage.failed > 0 && `; what fails here ${FATE[stage.onError]}`}
        </span>
      </p>
      {stage.fault && (
        <div className={css.failure}>
          <strong>{shortened(stage.fault.message, VALUE_MAX)}</strong>
          {stage.fault.hint && <p>{shortened(stage.fault.hint, VALUE_MAX)}</p>}
        </div>
      )}
      {stage.records.length === 0 && !stage.text && (
        <p className="muted">No record came as far as this.</p>
      )}
      {stage.text && (
        <details className={css.written} open>
          <summary>What it would write</summary>
          <pre
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
            tabIndex={0}
          >
            {stage.text}
          </pre>
        </details>
      )}
      {stage.records.length > 0 && (
        <ol className={css.records} aria-label={`Records at ${stage.stage}`}>
          {stage.records.map((it, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a record has no other identity than its place
            <li key={at}>
              <div className={css.number}>
                <span className="hidden">Record </span>
                {it.isOfEnd ? "end" : count(it.position)}
                {items.size > 1 && it.item && <span className="muted cut">{it.item}</span>}
              </div>
              <div className={css.passage}>
                <One of={it} stage={stage} isWhole={isWhole} onScript={onScript} />
              </div>
            </li>
          ))}
        </ol>
      )}
      {stage.isCut && (
        <p className="muted small">
          The first {plural(stage.records.length, "record")} are shown; all are counted.
        </p>
      )}
    </div>
  );
}

interface OneProps extends Pick<PassagesProps, "isWhole" | "onScript"> {
  of: Passage;
  stage: Stage;
}

function One({ of, stage, isWhole, onScript }: OneProps) {
  const { before, after, failure } = of;
  if (failure) {
    const at = inScript(failure.reason);
    const go = at && onScript(at);
    return (
      <>
        {before && <Whole of={before} />}
        <div className={css.failure}>
          <span>
            <span aria-hidden="true">✗ </span>
            <span className="hidden">failed: </span>
            {failure.reason}
            {failure.line && ` (line ${failure.line} of the sample)`}
          </span>
          {go && (
            <button type="button" className={css.link} onClick={go}>
              To line {at.line} of the script
            </button>
          )}
          {!before && <pre>{shortened(failure.raw, VALUE_MAX)}</pre>}
        </div>
      </>
    );
  }
  const [only] = after;
  if (before && after.length === 1 && only)
    return <Joined before={before} after={only.record} port={only.port} isWhole={isWhole} />;
  return (
    <>
      {before && <Whole of={before} />}
      {after.map((it, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an output has no other identity than its place
        <div key={at} className={css.out}>
          <Port name={it.port} />
          <Whole of={it.record} against={before ?? undefined} />
        </div>
      ))}
      {before && after.length === 0 && stage.role === "operator" && (
        <p className="muted small">→ nothing went out of it alone</p>
      )}
    </>
  );
}

const Port = ({ name }: { name: string }) => (
  <span className={css.port}>
    → <span className="hidden">to </span>
    {name}
  </span>
);

const MARKS: Record<Change, { glyph: string; word: string }> = {
  same: { glyph: "", word: "" },
  changed: { glyph: "≠", word: "changed" },
  added: { glyph: "+", word: "new" },
  removed: { glyph: "−", word: "gone" },
};

type Fields = Record<string, unknown>;

/** One record that went in and one that came out of it: field by field, what changed is marked. */
function Joined(props: { before: Fields; after: Fields; port: string; isWhole: boolean }) {
  const { before, after, port, isWhole } = props;
  const all = changes(before, after);
  const other = all.filter((it) => it.change !== "same");
  const shown = isWhole ? all : other;
  const same = all.length - other.length;
  if (shown.length === 0)
    return (
      <div className={css.out}>
        <Whole of={after} />
        <span className="row">
          <Port name={port} />
          <span className="muted small">the same</span>
        </span>
      </div>
    );
  return (
    <table className={css.joined}>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Came in</th>
          <th scope="col">
            Went out <Port name={port} />
          </th>
        </tr>
      </thead>
      <tbody>
        {shown.map((it) => (
          <tr key={it.name} data-change={it.change}>
            <th scope="row">
              <span className={css.mark} aria-hidden="true">
                {MARKS[it.change].glyph}
              </span>
              <code>{it.name}</code>
              <span className="hidden"> {MARKS[it.change].word}</span>
            </th>
            <td>
              <Value of={it.before} isThere={it.change !== "added"} />
            </td>
            <td>
              <Value of={it.after} isThere={it.change !== "removed"} />
            </td>
          </tr>
        ))}
      </tbody>
      {!isWhole && same > 0 && (
        <tfoot>
          <tr>
            <td colSpan={3} className="muted">
              {plural(same, "field")} as before
            </td>
          </tr>
        </tfoot>
      )}
    </table>
  );
}

function Value({ of, isThere }: { of: unknown; isThere: boolean }) {
  if (!isThere) return <span className="muted">–</span>;
  return <code>{shortened(said(of), VALUE_MAX)}</code>;
}

/** A record in a few lines; what is other than in the one that it came of is marked. */
function Whole({ of, against }: { of: Fields; against?: Fields }) {
  const all = Object.entries(of);
  if (all.length === 0) return <span className="muted small">a record of which all is null</span>;
  return (
    <dl className={css.whole}>
      {all.map(([name, value]) => {
        const isOther = against !== undefined && said(against[name]) !== said(value);
        return (
          <div key={name} data-other={isOther || undefined}>
            <dt>
              {isOther && <span className="hidden">changed: </span>}
              {name}
            </dt>
            <dd>{shortened(said(value), VALUE_MAX)}</dd>
          </div>
        );
      })}
    </dl>
  );
}
