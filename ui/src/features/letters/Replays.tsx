import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { count } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Act, Confirm } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import { State } from "../../parts/State";
import { type Column, Table } from "../../parts/Table";
import { useAsked } from "../../parts/useAsked";
import { useIntent } from "../../parts/useIntent";
import { Ago } from "../../parts/When";
import { StreamTable } from "../streams/StreamTable";
import { useStreams } from "../streams/useStreams";

type Open = Schemas["OpenReplay"];

/** Letters on their way through again: what has not ended, with what it waits for, then their streams. */
export function Replays({ workflow, onEnd }: { workflow: string; onEnd: () => void }) {
  const { rows, old } = useStreams({ workflow });
  const replays = rows.filter((it) => it.item.startsWith("replay-")).slice(0, 8);
  const ended = replays.filter((it) => it.closedAt).length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: letters are other when one more has ended
  useEffect(onEnd, [ended]);
  // They begin and end with their streams.
  const open = useAsked(["letters", workflow, "replays", replays.length, ended], () =>
    answered(api.GET("/api/v1/workflows/{name}/replays", { params: { path: { name: workflow } } })),
  );
  return (
    <>
      {open.problem && <ProblemView problem={open.problem} />}
      {open.value && open.value.items.length > 0 && (
        <Underway workflow={workflow} rows={open.value.items} />
      )}
      {replays.length > 0 && (
        <Panel title="Replays" flush>
          <StreamTable rows={replays} old={old} />
        </Panel>
      )}
    </>
  );
}

const stateOf = ({ state }: Open) => (state === "waiting" ? "letterWaiting" : state);

function Underway({ workflow, rows }: { workflow: string; rows: Open[] }) {
  const [cancelled, setCancelled] = useState<Open>();
  const columns: Column<Open>[] = [
    {
      id: "state",
      title: "State",
      cell: (it) => <State name={stateOf(it)} detail={it.fault?.message} />,
    },
    {
      id: "item",
      title: "Replay",
      cell: (it) =>
        it.stream ? (
          <Link to="/streams/$id" params={{ id: it.stream }}>
            {it.item}
          </Link>
        ) : (
          it.item
        ),
    },
    { id: "stage", title: "Stage", cell: (it) => it.stage },
    { id: "letters", title: "Letters", isNumber: true, cell: (it) => count(it.letters) },
    { id: "node", title: "Node", cell: (it) => it.node ?? "–" },
    { id: "by", title: "By", cell: (it) => it.by },
    { id: "at", title: "Asked for", cell: (it) => <Ago at={it.at} /> },
    {
      id: "fault",
      title: "What it waits for",
      cell: (it) => <span title={it.fault?.hint ?? undefined}>{it.fault?.message}</span>,
    },
    {
      id: "cancel",
      title: "",
      cell: (it) => (
        <Act
          label="Cancel …"
          about={it.item}
          claim="stream:control"
          isDanger
          onAct={() => setCancelled(it)}
        />
      ),
    },
  ];
  return (
    <Panel title="Replays under way" flush>
      <Table name="Replays under way" columns={columns} rows={rows} keyOf={(it) => it.item} />
      {cancelled && (
        <Cancel workflow={workflow} of={cancelled} onClose={() => setCancelled(undefined)} />
      )}
    </Panel>
  );
}

function Cancel({ workflow, of, onClose }: { workflow: string; of: Open; onClose: () => void }) {
  const queries = useQueryClient();
  const intent = useIntent();
  return (
    <Confirm
      title={`Cancel the replay of ${of.stage}`}
      verb="End the replay"
      isDanger
      cli={sh`weir dead-letter cancel ${workflow} ${of.item}`}
      onDo={async () => {
        const body = { replay: of.item };
        const params = { path: { name: workflow }, ...intent(body) };
        await answered(api.POST("/api/v1/workflows/{name}/replays:cancel", { params, body }));
        await queries.invalidateQueries({ queryKey: ["letters", workflow] });
      }}
      onClose={onClose}
    >
      <p>
        Its letters wait again, to be replayed or discarded. Once its commit is decided, that is
        refused.
      </p>
    </Confirm>
  );
}
