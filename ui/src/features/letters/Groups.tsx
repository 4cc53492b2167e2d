import { plural, short } from "../../logic/format";
import { Panel } from "../../parts/Page";
import { type Group, groups, type Letter } from "./letters";
import css from "./letters.module.css";

const MOST = 12;

/** What letters have in common, the most first; each leads to those of its kind. */
export function Groups(props: {
  of: readonly Letter[];
  hasMore: boolean;
  isAt: (it: Group) => boolean;
  onChoose: (it: Group | undefined) => void;
}) {
  const all = groups(props.of);
  return (
    <Panel
      title="By stage and reason"
      side={
        <span className="muted small">
          {props.hasMore ? "of the newest " : ""}
          {plural(props.of.length, "letter")}
        </span>
      }
      flush
    >
      <ul className={css.groups}>
        {all.slice(0, MOST).map((it) => {
          const isAt = props.isAt(it);
          return (
            <li key={`${it.stage} ${it.reason}`}>
              <button
                type="button"
                aria-pressed={isAt}
                style={{ "--share": it.count / props.of.length } as React.CSSProperties}
                onClick={() => props.onChoose(isAt ? undefined : it)}
              >
                <span className="num">{short(it.count)}</span>
                <strong className="cut">{it.stage}</strong>
                <span className="cut" title={it.reason}>
                  {it.reason}
                </span>
                <span className="muted small">{short(it.waiting)} waiting</span>
              </button>
            </li>
          );
        })}
      </ul>
      {all.length > MOST && (
        <p className="muted small" style={{ padding: "0 12px 8px" }}>
          and {plural(all.length - MOST, "more reason")}
        </p>
      )}
    </Panel>
  );
}
