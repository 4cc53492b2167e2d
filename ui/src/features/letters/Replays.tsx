import { useEffect } from "react";
import { Panel } from "../../parts/Page";
import { StreamTable } from "../streams/StreamTable";
import { useStreams } from "../streams/useStreams";

/** Streams of letters on their way through again, the newest first. */
export function Replays({ workflow, onEnd }: { workflow: string; onEnd: () => void }) {
  const { rows, old } = useStreams({ workflow });
  const replays = rows.filter((it) => it.item.startsWith("replay-")).slice(0, 8);
  const ended = replays.filter((it) => it.closedAt).length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: letters are other when one more has ended
  useEffect(onEnd, [ended]);
  if (replays.length === 0) return null;
  return (
    <Panel title="Replays" flush>
      <StreamTable rows={replays} old={old} />
    </Panel>
  );
}
