import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { useLive } from "../../live";
import { plural } from "../../logic/format";
import { names as asWords, sh } from "../../logic/shell";
import { Act, Confirm } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { Empty, Shows } from "../../parts/Shows";
import { useIntent } from "../../parts/useIntent";
import { Ago } from "../../parts/When";
import css from "./access.module.css";

type Group = Schemas["ResourceGroup"];

export function Resources() {
  const standing = useLive("resources");
  return (
    <Shows of={standing}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty
            what="There are no resources"
            why={
              <>
                Resources are finite things of which each is held by one alone. Programs declare and
                reserve them by REST; connectors declare none. Which partitions of a topic a
                workflow reads is shared out among its lanes: the page of a{" "}
                <Link to="/workflows">workflow</Link> shows them, under <em>Streams</em> and{" "}
                <em>Savepoints</em>.
              </>
            }
            cli="weir access resources"
          />
        ) : (
          items.map((it) => <Cells key={it.group} group={it} />)
        )
      }
    </Shows>
  );
}

/** A cell for each resource: who holds it, since when. */
function Cells({ group }: { group: Group }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [isAsked, setAsked] = useState(false);
  // Who got a resource since keeps it: another revocation of the same ones is another intent.
  const [asked, setAskedTimes] = useState(0);
  const intent = useIntent();
  const held = group.resources.filter((it) => it.owner);
  const names = held.map((it) => it.name).filter((it) => chosen.has(it));
  const toggle = (name: string) => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    setChosen(next);
  };
  return (
    <Panel
      title={group.group}
      side={
        <div className="row">
          <span className="muted small">
            {held.length} of {plural(group.resources.length, "resource")} held
            {group.waiting.length > 0 && `, ${group.waiting.length} waiting`}
          </span>
          <Act
            label={`Revoke (${names.length}) …`}
            claim="access:manage"
            isDanger
            not={names.length === 0 && "No held resource is chosen"}
            onAct={() => {
              setAskedTimes(asked + 1);
              setAsked(true);
            }}
          />
        </div>
      }
    >
      <div className={css.map}>
        {group.resources.map((it) => (
          <button
            type="button"
            key={it.name}
            aria-pressed={chosen.has(it.name)}
            data-tone={it.owner ? "ok" : "idle"}
            onClick={() => toggle(it.name)}
          >
            <span>
              <span aria-hidden="true">{it.owner ? "●" : "○"}</span> <strong>{it.name}</strong>
            </span>
            <span className="small cut">{it.owner ?? (it.retired ? "retired" : "free")}</span>
            {it.since && (
              <span className="muted small">
                <Ago at={it.since} />
              </span>
            )}
          </button>
        ))}
      </div>
      {isAsked && (
        <Confirm
          title={`Revoke ${plural(names.length, "resource")} of ${group.group}`}
          verb="Revoke"
          isDanger
          typed={group.group}
          cli={sh`weir access revoke ${group.group} ${asWords(names)}`}
          onDo={async () => {
            await answered(
              api.POST("/api/v1/resources:revoke", {
                params: intent([asked, names]),
                body: { group: group.group, resources: names, dryRun: false },
              }),
            );
            setChosen(new Set());
          }}
          onClose={() => setAsked(false)}
        >
          <p>Their holders lose them at once, and whoever waits gets them: {names.join(", ")}.</p>
        </Confirm>
      )}
    </Panel>
  );
}
