import { useQuery } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import { missingClaim, problemIn } from "../../api/problem";
import { plural, short } from "../../logic/format";
import { Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Refresh } from "../../parts/Refresh";
import { Ago } from "../../parts/When";
import { type Group, told } from "./letters";
import css from "./letters.module.css";

const MOST = 12;

/** What letters have in common, over all that are kept, the most first; each leads to those of its kind. */
export function Groups(props: {
  workflow: string;
  isAt: (it: Group) => boolean;
  onChoose: (it: Group | undefined) => void;
}) {
  const { workflow } = props;
  const counts = useQuery({
    queryKey: ["letters", workflow, "counts"],
    queryFn: () =>
      answered(
        api.GET("/api/v1/workflows/{name}/dead-letters:counts", {
          params: { path: { name: workflow } },
        }),
      ),
    placeholderData: (before) => before,
  });
  const { data, error } = counts;
  // The list below says it already.
  if (error && missingClaim(problemIn(error))) return null;
  if (!error && (!data || data.total === 0)) return null;
  const all = data?.items ?? [];
  const total = Math.max(1, data?.total ?? 0);
  return (
    <Panel
      title="By stage and reason"
      side={
        <div className="row">
          {data && <span className="muted small">{told(data)}</span>}
          {data?.hasMore && <Refresh of={counts} label="Count on" />}
        </div>
      }
      flush
    >
      {error && <ProblemView problem={problemIn(error)} onRetry={() => void counts.refetch()} />}
      <ul className={css.groups}>
        {all.slice(0, MOST).map((it) => {
          const isAt = props.isAt(it);
          return (
            <li key={`${it.stage} ${it.reason}`}>
              <button
                type="button"
                aria-pressed={isAt}
                style={{ "--share": it.count / total } as React.CSSProperties}
                onClick={() => props.onChoose(isAt ? undefined : it)}
              >
                <span className="num">{short(it.count)}</span>
                <strong className="cut">{it.stage}</strong>
                <span className="cut" title={it.reason}>
                  {it.reason}
                </span>
                <span className="muted small">
                  {short(it.waiting)} waiting, newest <Ago at={it.newestAt} />
                </span>
              </button>
            </li>
          );
        })}
      </ul>
      {all.length > MOST && (
        <p className="muted small" style={{ padding: "0 12px 8px" }}>
          and {plural(all.length - MOST + (data?.leftOut ?? 0), "more reason")}
        </p>
      )}
    </Panel>
  );
}
