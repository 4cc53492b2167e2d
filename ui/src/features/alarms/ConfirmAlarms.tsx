import { TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { useLive } from "../../live";
import { type Alarm, inOrder, total } from "../../logic/alarms";
import { plural } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import { useIntent } from "../../parts/useIntent";

const NOTE_MAX = 200;
const NAMED_MAX = 10;

interface ConfirmAlarmsProps {
  of: readonly Alarm[] | "all";
  onDone?: () => void;
  onClose: () => void;
}

/** Says that somebody looks at them, with a note for the others. */
export function ConfirmAlarms({ of, onDone, onClose }: ConfirmAlarmsProps) {
  const [note, setNote] = useState("");
  const intent = useIntent();
  const queries = useQueryClient();
  // What somebody else confirms meanwhile is confirmed: the dialog stays what it was about.
  const [alarms] = useState(of);
  const open = alarms === "all" ? [] : inOrder(alarms).filter((it) => !it.confirmation);
  const ids = open.map((it) => it.id);
  const said = note.trim();
  const [only] = open.length === 1 ? open : [];
  const which = only ? only.subject.name : plural(ids.length, "alarm");
  return (
    <Confirm
      title={`Confirm ${alarms === "all" ? "all alarms" : which}`}
      verb="Confirm"
      not={alarms !== "all" && ids.length === 0 && "They are confirmed"}
      cli={sh`weir alarm confirm ${alarms === "all" ? ["--all"] : ids} ${said ? [`--note=${said}`] : []}`}
      onDo={async () => {
        const body = {
          ...(alarms === "all" ? { all: true } : { ids }),
          ...(said && { note: said }),
        };
        await answered(api.POST("/api/v1/alarms:confirm", { params: intent(body), body }));
        await queries.invalidateQueries({ queryKey: ["alarms"] });
        onDone?.();
      }}
      onStale={() => void queries.invalidateQueries({ queryKey: ["alarms"] })}
      onClose={onClose}
    >
      {alarms === "all" ? (
        <All />
      ) : (
        <ul>
          {open.slice(0, NAMED_MAX).map((it) => (
            <li key={it.id}>{it.message}</li>
          ))}
          {open.length > NAMED_MAX && <li>and {open.length - NAMED_MAX} more</li>}
        </ul>
      )}
      <p>
        To confirm says that somebody looks at it: all see your name, when it was, and the note. It
        mends nothing: what stands goes on standing until its cause is gone.
      </p>
      <TextInput
        label="Note"
        description="For the others, as what you do about it; it may stay empty"
        value={note}
        maxLength={NOTE_MAX}
        onChange={(event) => setNote(event.currentTarget.value)}
        autoComplete="off"
        data-autofocus
      />
    </Confirm>
  );
}

/** How many that is now; what comes before it is sent is confirmed as well. */
function All() {
  const { value } = useLive("alarms");
  if (!value) return <p>All that nobody has confirmed, also those that have ended.</p>;
  const { unconfirmed, endedUnconfirmed } = value.counts;
  return (
    <p>
      <strong>{plural(total(unconfirmed), "alarm")}</strong> that stand, and{" "}
      <strong>{total(endedUnconfirmed)}</strong> that have ended: all that nobody has confirmed.
    </p>
  );
}
