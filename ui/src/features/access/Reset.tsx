import { useQuery } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { names, sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import { ProblemView } from "../../parts/Problem";
import { Loading } from "../../parts/Shows";
import { useIntent } from "../../parts/useIntent";

interface What {
  names?: string[];
  status?: Schemas["ItemStatus"];
  pattern?: string;
}

/** Counts first, on the server, and resets what was counted. */
export function Reset({
  source,
  what,
  onDone,
  onClose,
}: {
  source: string;
  what: What;
  onDone: () => void;
  onClose: () => void;
}) {
  const intent = useIntent();
  const send = (dryRun: boolean) => {
    const body = { source, dryRun, ...what };
    return answered(api.POST("/api/v1/items:reset", { params: intent(body), body }));
  };
  const counted = useQuery({
    queryKey: ["reset", source, what],
    queryFn: () => send(true),
    gcTime: 0,
    retry: false,
  });
  const options = [
    ...(what.pattern ? ["--match", what.pattern] : []),
    ...(what.status ? ["--status", what.status] : []),
    ...names(what.names ?? []),
  ];
  return (
    <Confirm
      title={`Reset items of ${source}`}
      verb={`Reset ${counted.data ? plural(counted.data.count, "item") : ""}`}
      isDanger
      not={
        counted.data
          ? counted.data.count === 0 && "Nothing is to be reset"
          : "They are not counted yet"
      }
      cli={sh`weir access reset --source ${source} ${options}`}
      onDo={async () => {
        await send(false);
        onDone();
      }}
      onClose={onClose}
    >
      {counted.isPending && <Loading lines={2} />}
      {counted.error && <ProblemView problem={problemIn(counted.error)} />}
      {counted.data && (
        <p>
          <strong>{plural(counted.data.count, "item")}</strong> would be forgotten, and processed
          again where they are still there.
          {counted.data.kept > 0 &&
            ` ${plural(counted.data.kept, "item")} in work ${counted.data.kept === 1 ? "is" : "are"} kept.`}{" "}
          What was published from them stays: a sink whose <code>onExisting</code> is{" "}
          <code>fail</code> rolls each of them back while its output is there.
        </p>
      )}
    </Confirm>
  );
}
