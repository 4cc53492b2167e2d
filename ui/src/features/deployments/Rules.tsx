import { SegmentedControl, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { useLive } from "../../live";
import { present } from "../../logic/nodes";
import { Act, CopyCli } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { Shows } from "../../parts/Shows";
import { Change } from "./Change";
import css from "./deployments.module.css";
import { ROOT } from "./tree";
import { type Wanted, withRule } from "./wanted";

type Assignments = Schemas["Assignments"];

/** Which rule decides what a node runs, in the order in which they are tried. */
export function Rules({ tags, onWant }: { tags: string[]; onWant: (it: Wanted) => void }) {
  const standing = useLive("assignments");
  const [isNew, setNew] = useState(false);
  return (
    <Panel
      title="Rules, in the order in which they are tried"
      side={
        <div className="row">
          <Act
            label="Assign …"
            claim="deployment:activate"
            not={!standing.value && "The rules are not known"}
            onAct={() => setNew(true)}
          />
          <CopyCli command="weir deployment assignments" />
        </div>
      }
    >
      <Shows of={standing}>{(all) => <All of={all} onWant={onWant} />}</Shows>
      {isNew && standing.value && (
        <Assign all={standing.value} tags={tags} onClose={() => setNew(false)} />
      )}
    </Panel>
  );
}

function All({ of, onWant }: { of: Assignments; onWant: (it: Wanted) => void }) {
  const { canary } = useLive("canary").value ?? {};
  return (
    <ol className={css.rules}>
      {canary && (
        <Rule kind="canary" name={canary.nodes.join(", ")} tag={canary.tag} note="while it runs" />
      )}
      {of.nodes.map(({ node, tag }) => (
        <Rule
          key={`node ${node}`}
          kind="node"
          name={node}
          tag={tag}
          onRemove={() => onWant({ to: "unassignNode", node })}
        />
      ))}
      {of.roles.map(({ role, tag }) => (
        <Rule
          key={`role ${role}`}
          kind="role"
          name={role}
          tag={tag}
          onRemove={() => {
            const rules = of.roles.filter((it) => it.role !== role);
            onWant({ to: "unassignRole", rules, role });
          }}
        />
      ))}
      <Rule kind="all others" name="" tag={of.default} note="the default" />
    </ol>
  );
}

function Rule(props: {
  kind: string;
  name: string;
  tag: string;
  note?: string;
  onRemove?: () => void;
}) {
  return (
    <li>
      <span className="muted">{props.kind}</span> <strong className="cut">{props.name}</strong>
      <span className="mono">→ {props.tag}</span>
      {props.onRemove ? (
        <Act
          label="Take away …"
          about={`the rule of ${props.name}`}
          claim="deployment:activate"
          onAct={props.onRemove}
        />
      ) : (
        <span className="muted small">{props.note}</span>
      )}
    </li>
  );
}

/** A rule for a node or for a role; what it would do is shown as it is written. */
function Assign({ all, tags, onClose }: { all: Assignments; tags: string[]; onClose: () => void }) {
  const members = useLive("members");
  const nodes = (present(members.value) ?? []).map((it) => it.name);
  const roles = [...new Set((present(members.value) ?? []).flatMap((it) => it.roles))].sort();
  const [to, setTo] = useState<"node" | "role">("node");
  const [name, setName] = useState("");
  const [tag, setTag] = useState<string | null>(null);
  const [before, setBefore] = useState<string | null>(null);
  const others = all.roles.map((it) => it.role).filter((it) => it !== name);
  const wanted: Wanted | undefined =
    !name || !tag
      ? undefined
      : to === "node"
        ? { to: "assignNode", node: name, tag }
        : {
            to: "assignRole",
            rules: withRule(all.roles, { role: name, tag }, before ?? undefined),
            role: name,
            tag,
            before: before ?? undefined,
          };
  return (
    <Change wanted={wanted} revision={all.revision} title="Assign a deployment" onClose={onClose}>
      <SegmentedControl
        size="xs"
        data={[
          { value: "node", label: "To a node" },
          { value: "role", label: "To a role" },
        ]}
        value={to}
        onChange={(it) => {
          setTo(it === "role" ? "role" : "node");
          setName("");
        }}
      />
      {to === "node" ? (
        <Select
          label="Node"
          data={nodes}
          value={name || null}
          onChange={(it) => setName(it ?? "")}
        />
      ) : (
        <>
          <TextInput
            label="Role"
            description={
              roles.length > 0 ? `Nodes have: ${roles.join(", ")}` : "No node has a role yet"
            }
            value={name}
            onChange={(event) => setName(event.currentTarget.value.trim())}
            autoComplete="off"
          />
          {others.length > 0 && (
            <Select
              label="Try it before that of"
              description="Empty: where it stands; a new one last"
              data={others}
              value={before}
              clearable
              onChange={setBefore}
            />
          )}
        </>
      )}
      <Select label="Deployment" data={[ROOT, ...tags]} value={tag} onChange={setTag} />
    </Change>
  );
}
