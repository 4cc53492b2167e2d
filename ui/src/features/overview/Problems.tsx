import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Alarm } from "../../logic/alarms";
import type { Trouble } from "../../logic/health";
import { putAway } from "../../parts/putAway";
import { Empty } from "../../parts/Shows";
import { Target } from "../../parts/Target";
import { Ago, Moment } from "../../parts/When";
import { ConfirmedBy } from "../alarms/ConfirmedBy";
import css from "./overview.module.css";

export const GLYPHS = { ok: "●", info: "◇", warn: "◆", err: "▲", idle: "○" };

export function Problems({ all }: { all: readonly Trouble[] }) {
  if (all.length === 0)
    return (
      <Empty
        what="No problem is known"
        why="Not all that could be wrong can be seen now: the sentence above says what is missing."
      />
    );
  return (
    <ul className={css.problems}>
      {all.map((it) => (
        <li key={it.id} data-tone={it.tone}>
          <span aria-hidden="true">{GLYPHS[it.tone]}</span>
          <div className="grow">
            {it.alarm ? (
              <Link to="/alarms/$id" params={{ id: it.alarm.id }}>
                <strong>{it.what}</strong>
              </Link>
            ) : (
              <strong>{it.what}</strong>
            )}{" "}
            {it.why}
            {it.alarm && <Known of={it.alarm} />}
            {it.hint && <p className="muted small">{it.hint}</p>}
          </div>
          {it.since && (
            <span className="muted small">
              <Ago at={it.since} />
            </span>
          )}
          {it.putsAway && <PutAway what={it.what} uid={it.putsAway} />}
          {it.where && <Target to={it.where} what={it.what} />}
        </li>
      ))}
    </ul>
  );
}

/** Who has seen it, and whether it can be judged now. */
function Known({ of: { confirmation, unknownSince } }: { of: Alarm }) {
  if (!confirmation && !unknownSince) return null;
  return (
    <p className="small">
      {confirmation && (
        <>
          Confirmed by <ConfirmedBy of={confirmation} />.{" "}
        </>
      )}
      {unknownSince && (
        <>
          It can’t be judged since <Moment at={unknownSince} />.
        </>
      )}
    </p>
  );
}

export const PutAway = ({ what, uid }: { what: string; uid: string }) => (
  <Button
    onClick={() => putAway(uid)}
    title="It is known, and no problem any more, in this browser"
  >
    Put away<span className="hidden"> {what}</span>
  </Button>
);
