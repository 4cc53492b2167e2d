import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Trouble } from "../../logic/health";
import { putAway } from "../../parts/putAway";
import { Empty } from "../../parts/Shows";
import { Ago } from "../../parts/When";
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
            <strong>{it.what}</strong> {it.why}
            {it.hint && <p className="muted small">{it.hint}</p>}
          </div>
          {it.since && (
            <span className="muted small">
              <Ago at={it.since} />
            </span>
          )}
          {it.putsAway && <PutAway what={it.what} uid={it.putsAway} />}
          <Target of={it} />
        </li>
      ))}
    </ul>
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

/** Leads to what is wrong. */
export function Target({ of: { where, what } }: { of: Trouble }) {
  const label = (
    <>
      Open<span className="hidden"> {what}</span>
    </>
  );
  switch (where.to) {
    case "node":
      return (
        <Link to="/nodes/$name" params={{ name: where.name }}>
          {label}
        </Link>
      );
    case "workflow":
      return (
        <Link to="/workflows/$name" params={{ name: where.name }}>
          {label}
        </Link>
      );
    case "paused":
      return (
        <Link to="/streams" search={{ workflow: where.workflow, state: "paused" }}>
          {label}
        </Link>
      );
    case "scheduler":
      return <Link to="/scheduler">{label}</Link>;
    case "deployments":
      return <Link to="/deployments">{label}</Link>;
    case "fleet":
      return <Link to="/fleet">{label}</Link>;
  }
}
