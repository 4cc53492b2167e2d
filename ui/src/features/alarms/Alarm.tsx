import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { type Alarm as Kept, lastedMs, TONES, timesOf, whereOf } from "../../logic/alarms";
import { duration } from "../../logic/format";
import { sh } from "../../logic/shell";
import { Act, CopyCli } from "../../parts/Act";
import { Facts, Page, Panel } from "../../parts/Page";
import { Shows } from "../../parts/Shows";
import { Target } from "../../parts/Target";
import { Ago, Moment } from "../../parts/When";
import { SeverityMark } from "./AlarmTable";
import css from "./alarms.module.css";
import { ConfirmAlarms } from "./ConfirmAlarms";
import { useAlarm } from "./useAlarms";

const route = getRouteApi("/frame/alarms/$id");

/** One alarm: what is wrong, what to do, how long it stands or stood, and who has seen it. */
export function Alarm() {
  const { id } = route.useParams();
  const standing = useAlarm(id);
  const { value } = standing;
  const [isAsked, setAsked] = useState(false);
  const by = value?.confirmation?.by;
  return (
    <Page
      title={value ? `Alarm ${id}: ${value.subject.name}` : `Alarm ${id}`}
      mark={value && <SeverityMark of={value.severity} />}
      actions={
        <>
          {value && (
            <Act
              label="Confirm …"
              claim="alarm:confirm"
              isMain
              not={by && `${by} has confirmed it`}
              onAct={() => setAsked(true)}
            />
          )}
          <CopyCli command={sh`weir alarm show ${id}`} />
        </>
      }
    >
      <Shows of={standing}>
        {(it) => (
          <>
            <Said of={it} />
            <About of={it} />
          </>
        )}
      </Shows>
      {value && isAsked && <ConfirmAlarms of={[value]} onClose={() => setAsked(false)} />}
    </Page>
  );
}

function Said({ of: it }: { of: Kept }) {
  return (
    <div className={css.said} data-tone={it.state === "ended" ? "idle" : TONES[it.severity]}>
      <strong>{it.message}</strong>
      {it.hint && <p>{it.hint}</p>}
      {it.unknownSince && (
        <p>
          It can’t be judged since <Moment at={it.unknownSince} />: whether it still holds is known
          once that can be seen again.
        </p>
      )}
    </div>
  );
}

function About({ of: it }: { of: Kept }) {
  const [where, lasted] = [whereOf(it), lastedMs(it)];
  const { confirmation, subject } = it;
  const about = `${subject.kind} ${subject.name}`;
  return (
    <Panel
      title="What is known of it"
      side={
        <Link to="/alarms" search={{ subject: subject.name }}>
          All alarms of {subject.name}
        </Link>
      }
    >
      <Facts
        of={[
          ["State", it.state],
          ["About", where ? <Target key="a" to={where} what="" label={about} /> : about],
          [
            "Raised",
            <span key="r">
              <Moment at={it.raisedAt} />{" "}
              <span className="muted">
                <Ago at={it.raisedAt} />
              </span>
            </span>,
          ],
          ["How often", timesOf(it)],
          ["Raised last", it.count > 1 && <Moment key="l" at={it.lastAt} />],
          ["Cleared", it.clearedAt && <Moment key="c" at={it.clearedAt} />],
          ["Lasted", lasted !== undefined && duration(lasted)],
          [
            "Confirmed by",
            confirmation?.by ?? (
              <span key="n" className="muted">
                nobody
              </span>
            ),
          ],
          ["Confirmed", confirmation && <Moment key="f" at={confirmation.at} />],
          ["Note", confirmation?.note],
          ["Kind", it.kind],
          ["Code", <code key="o">{it.code}</code>],
        ]}
      />
    </Panel>
  );
}
