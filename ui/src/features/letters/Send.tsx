import { useQuery } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { Confirm } from "../../parts/Act";
import { ProblemView } from "../../parts/Problem";
import { Loading } from "../../parts/Shows";
import { useIntent } from "../../parts/useIntent";
import { type Chosen, command } from "./letters";

export type Verb = "replay" | "discard";
const TITLES = { replay: "Replay", discard: "Discard" };

/** Counts on the server which letters it would be, then replays or discards these. */
export function Send({
  verb,
  workflow,
  of,
  onDone,
  onClose,
}: {
  verb: Verb;
  workflow: string;
  of: Chosen;
  onDone: () => void;
  onClose: () => void;
}) {
  const intent = useIntent();
  const send = (dryRun: boolean) => {
    const { stage, reason, ids } = of;
    const body = ids ? { ids, dryRun } : { stage, reason, dryRun };
    const asked = { params: { path: { name: workflow }, ...intent(body) }, body };
    return answered(
      verb === "replay"
        ? api.POST("/api/v1/workflows/{name}/dead-letters:replay", asked)
        : api.POST("/api/v1/workflows/{name}/dead-letters:discard", asked),
    );
  };
  const plan = useQuery({
    queryKey: ["letters plan", verb, workflow, of],
    queryFn: () => send(true),
    gcTime: 0,
    retry: false,
  });
  const count = plan.data?.letters ?? 0;
  return (
    <Confirm
      title={`${TITLES[verb]} dead letters of ${workflow}`}
      verb={plan.data ? `${TITLES[verb]} ${plural(count, "letter")}` : TITLES[verb]}
      isDanger={verb === "discard"}
      typed={verb === "discard" ? workflow : undefined}
      not={plan.data ? count === 0 && "None of them waits" : "They are not counted yet"}
      cli={command(verb, workflow, of)}
      onDo={async () => {
        await send(false);
        onDone();
      }}
      onClose={onClose}
    >
      {plan.isPending && <Loading lines={3} />}
      {plan.error && (
        <ProblemView problem={problemIn(plan.error)} onRetry={() => void plan.refetch()} />
      )}
      {plan.data && <Plan verb={verb} plan={plan.data} />}
    </Confirm>
  );
}

function Plan({ verb, plan }: { verb: Verb; plan: Schemas["ReplaysView"] }) {
  return (
    <>
      <p>
        <strong>{plural(plan.letters, "letter")}</strong>{" "}
        {verb === "replay"
          ? "go through the workflow as it is deployed now, from the stage that they failed at. Each is replayed once; what fails again is a new letter."
          : "are given up: nothing is to become of them. They stay in their files."}
      </p>
      {verb === "replay" && plan.replays.length > 0 && (
        <ul>
          {plan.replays.map((it) => (
            <li key={it.stage}>
              {plural(it.letters, "letter")} of <strong>{it.stage}</strong>, as one stream
            </li>
          ))}
        </ul>
      )}
      {plan.notWaiting > 0 && (
        <p className="muted">
          {plural(plan.notWaiting, "letter")} left alone: replayed, being replayed, or discarded.
        </p>
      )}
      {plan.cut > 0 && (
        <p className="muted">
          {plural(plan.cut, "letter")} can't be replayed: only the beginning of the record was kept.
        </p>
      )}
      {plan.hasMore && (
        <p>◆ There are more than one request takes: ask again for the rest when this is done.</p>
      )}
    </>
  );
}
