import { NumberInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { useLive } from "../../live";
import { count, duration, plural } from "../../logic/format";
import { useNow } from "../../logic/now";
import { Act, CopyCli } from "../../parts/Act";
import { Facts, Panel } from "../../parts/Page";
import { Shows } from "../../parts/Shows";
import { State } from "../../parts/State";
import { Ago } from "../../parts/When";
import { Change } from "./Change";
import css from "./deployments.module.css";
import { percent, type Wanted } from "./wanted";

/** The canary while one runs: how far it baked, on which nodes, and what ends it. */
export function Canary({ onWant }: { onWant: (it: Wanted) => void }) {
  const standing = useLive("canary");
  const canary = standing.value?.canary;
  if (!canary) return <Last of={standing.value?.recent.at(-1)} />;
  return (
    <Panel
      title={`Canary ${canary.tag}`}
      side={
        <div className="row">
          <Act
            label="Promote …"
            claim="deployment:activate"
            isMain
            onAct={() => onWant({ to: "promote", tag: canary.tag })}
          />
          <Act
            label="End …"
            claim="deployment:activate"
            isDanger
            onAct={() => onWant({ to: "end", tag: canary.tag })}
          />
          <CopyCli command="weir deployment canary status" />
        </div>
      }
    >
      <Shows of={standing}>
        {({ activations, records, errors }) => (
          <>
            <Bake of={canary} />
            <Facts
              of={[
                ["Started", <Ago key="s" at={canary.startedAt} />],
                ["Ends itself above", `${percent(canary.errorsPerMillionMax)} failed records`],
                [
                  "Promotes itself after",
                  canary.recordsMin > 0 && plural(canary.recordsMin, "record"),
                ],
                ["So far", soFar(records, errors)],
              ]}
            />
            <ul className={css.canary}>
              {canary.nodes.map((name) => {
                const activation = activations.find((it) => it.node === name);
                return (
                  <li key={name}>
                    <Link to="/nodes/$name" params={{ name }}>
                      {name}
                    </Link>
                    {activation && <State name={activation.state} />}
                    <span className="mono">{activation?.current ?? "–"}</span>
                    <span className="muted">{activation?.failure?.cause.message}</span>
                  </li>
                );
              })}
            </ul>
          </>
        )}
      </Shows>
    </Panel>
  );
}

function soFar(records: number | null | undefined, errors: number | null | undefined): string {
  if (typeof records !== "number" || typeof errors !== "number")
    return "its nodes have told nothing yet";
  const share = records > 0 ? ` (${percent(Math.round((errors * 1_000_000) / records))})` : "";
  return `${plural(records, "record")}, ${count(errors)} failed${share}`;
}

/** How the last one went: it ends by itself, when nobody looks. */
function Last({ of }: { of: Schemas["RecentChange"] | undefined }) {
  if (!of) return null;
  return (
    <Panel title="The last canary" side={<CopyCli command="weir deployment canary status" />}>
      <p>
        {of.what}{" "}
        <span className="muted">
          {of.by} · <Ago at={of.at} />
        </span>
      </p>
    </Panel>
  );
}

function Bake({ of }: { of: Schemas["Canary"] }) {
  const now = useNow();
  if (!of.bakingSince)
    return <p>◐ Not all of its nodes run it yet: its time begins when they do.</p>;
  const baked = Math.min(now - Date.parse(of.bakingSince), of.bakeMs);
  const left = of.bakeMs - baked;
  return (
    <div className={css.bake}>
      <meter min={0} max={of.bakeMs} value={baked} aria-label="How long it did well">
        {duration(baked)}
      </meter>
      <span>{left > 0 ? `${duration(left)} left of ${duration(of.bakeMs)}` : "It did well"}</span>
    </div>
  );
}

const MINUTE_MS = 60_000;

/** Asks for how long and how well it must run before it becomes the default. */
export function StartCanary({
  tag,
  revision,
  onClose,
}: {
  tag: string;
  revision: number | undefined;
  onClose: () => void;
}) {
  const [nodes, setNodes] = useState(1);
  const [minutes, setMinutes] = useState(10);
  const [errors, setErrors] = useState(0.1);
  const [recordsMin, setRecordsMin] = useState(0);
  const start = {
    tag,
    nodes,
    bakeMs: Math.round(minutes * MINUTE_MS),
    errorsPerMillionMax: Math.round(errors * 10_000),
    recordsMin,
  };
  const field = (label: string, value: number, set: (it: number) => void, description: string) => (
    <NumberInput
      size="xs"
      label={label}
      description={description}
      value={value}
      min={0}
      onChange={(it) => set(Number(it) || 0)}
    />
  );
  return (
    <Change
      wanted={nodes > 0 && minutes > 0 ? { to: "canary", start } : undefined}
      to="canary"
      revision={revision}
      title={`Start a canary with ${tag}`}
      onClose={onClose}
    >
      <p className="muted">
        It runs on some of the nodes that run the default. It becomes the default when it did well
        for long enough, and ends when it does not.
      </p>
      <div className={css.fields}>
        {field("Nodes", nodes, setNodes, "on how many")}
        {field("Minutes", minutes, setMinutes, "that it must do well")}
        {field("Failed records, %", errors, setErrors, "more of them end it")}
        {field("Records", recordsMin, setRecordsMin, `at least ${count(recordsMin)}`)}
      </div>
    </Change>
  );
}
