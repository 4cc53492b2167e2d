import { useState } from "react";
import { answered, api } from "../../api/client";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Act, type Claim, Confirm } from "../../parts/Act";
import { isOver, type Stream } from "./streams";

type Order = "pause" | "resume" | "shutdown" | "abort" | "terminate";

const ORDERS: Record<Order, { label: string; claim: Claim; what: string; isDanger?: boolean }> = {
  pause: {
    label: "Pause",
    claim: "stream:pause",
    what: "They read nothing more until they are resumed, and keep their items.",
  },
  resume: { label: "Resume", claim: "stream:pause", what: "They go on." },
  shutdown: {
    label: "Shut down",
    claim: "stream:control",
    what: "They finish this attempt, and begin no other one if it fails.",
  },
  abort: {
    label: "Abort",
    claim: "stream:control",
    what: "They are rolled back once their stages have stopped. Their items have failed then, a lane as well, and stand still until somebody resets them in Access.",
    isDanger: true,
  },
  terminate: {
    label: "Terminate",
    claim: "stream:control",
    what: "They are rolled back at once, also where a stage hangs. Their items have failed then, a lane as well, and stand still until somebody resets them in Access.",
    isDanger: true,
  },
};

function send(order: Order, ids: string[]) {
  const body = { ids };
  switch (order) {
    case "pause":
      return answered(api.POST("/api/v1/streams:pause", { body }));
    case "resume":
      return answered(api.POST("/api/v1/streams:resume", { body }));
    case "shutdown":
      return answered(api.POST("/api/v1/streams:shutdown", { body }));
    case "abort":
      return answered(api.POST("/api/v1/streams:abort", { body }));
    case "terminate":
      return answered(api.POST("/api/v1/streams:terminate", { body }));
  }
}

/** What is typed to end them: of which workflow they are, or how many where they are of several. */
function named(all: readonly Stream[]): string {
  const [workflow = "", ...others] = new Set(all.map((it) => it.workflow));
  return others.length > 0 ? plural(all.length, "stream") : workflow;
}

/** What open streams can be told; nothing where none is chosen. */
export function StreamOrders({
  chosen,
  onDone,
}: {
  chosen: readonly Stream[];
  onDone: () => void;
}) {
  const [order, setOrder] = useState<Order>();
  const open = chosen.filter((it) => !isOver(it));
  if (chosen.length === 0) return null;
  const not = (order: Order) => {
    if (open.length === 0) return "None of them is open any more";
    const isPaused = (it: Stream) => it.state === "paused";
    if (order === "resume") return !open.some(isPaused) && "None of them is paused";
    return order === "pause" && open.every(isPaused) && "They are paused";
  };
  return (
    <div className="row">
      <span>
        {plural(chosen.length, "stream")} chosen
        {open.length < chosen.length && `, ${open.length} open`}
      </span>
      {(Object.keys(ORDERS) as Order[]).map((it) => (
        <Act
          key={it}
          label={`${ORDERS[it].label} …`}
          claim={ORDERS[it].claim}
          isDanger={ORDERS[it].isDanger}
          not={not(it)}
          onAct={() => setOrder(it)}
        />
      ))}
      {order && (
        <Confirm
          title={`${ORDERS[order].label} ${plural(open.length, "stream")}`}
          verb={ORDERS[order].label}
          isDanger={ORDERS[order].isDanger}
          typed={ORDERS[order].isDanger ? named(open) : undefined}
          cli={sh`weir stream ${order} ${open.map((it) => it.id)}`}
          onDo={async () => {
            await send(
              order,
              open.map((it) => it.id),
            );
            onDone();
          }}
          onClose={() => setOrder(undefined)}
        >
          <p>{ORDERS[order].what}</p>
          <ul>
            {open.slice(0, 10).map((it) => (
              <li key={it.id}>
                {it.item} <span className="muted">{it.workflow}</span>
              </li>
            ))}
          </ul>
        </Confirm>
      )}
    </div>
  );
}
