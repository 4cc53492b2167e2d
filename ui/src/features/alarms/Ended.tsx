import { problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { More, useMore } from "../../parts/More";
import { Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { Empty, Loading } from "../../parts/Shows";
import { AlarmTable, type AlarmTableProps } from "./AlarmTable";
import type { useEnded } from "./useAlarms";

interface EndedProps extends Omit<AlarmTableProps, "name" | "isEnded" | "onEnd" | "empty"> {
  of: ReturnType<typeof useEnded>;
  isFiltered: boolean;
  /** Why they can't be seen is said beside them. */
  isTold: boolean;
}

/** What was wrong and is not any more, by pages. */
export function Ended({ of, isFiltered, isTold, ...table }: EndedProps) {
  const more = useMore(of);
  const { hasNextPage } = of;
  return (
    <>
      <Panel
        title="Ended"
        side={
          of.data && (
            <span className="muted small">
              {plural(table.rows.length, "alarm")}
              {hasNextPage && ", and older ones"}
            </span>
          )
        }
        flush
      >
        {of.error && !isTold && (
          <ProblemView problem={problemIn(of.error)} onRetry={() => void of.refetch()} />
        )}
        {of.isPending && <Loading />}
        {of.data && (
          <AlarmTable
            name="Ended alarms"
            isEnded
            onEnd={more}
            empty={<None isFiltered={isFiltered} hasMore={hasNextPage} />}
            {...table}
          />
        )}
      </Panel>
      <More of={of} label="Older alarms" />
    </>
  );
}

function None({ isFiltered, hasMore }: { isFiltered: boolean; hasMore: boolean }) {
  if (!isFiltered)
    return <Empty what="No alarm has ended yet" why="What is over is kept here for 30 days." />;
  return (
    <Empty
      what={hasMore ? "None of those read so far has that" : "No alarm has that"}
      why="Others are left out by the filter."
    />
  );
}
