import { Button, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { useLive } from "../../live";
import { present } from "../../logic/nodes";
import { Confirm } from "../../parts/Act";
import {
  boundsOf,
  commands,
  type Draft,
  limited,
  type Rule,
  rules,
  type Typed,
  typed,
} from "./draft";
import css from "./scheduler.module.css";

interface LimitsProps {
  of: Schemas["ScheduledWorkflow"];
  draft: Draft;
  nodes: string[];
  onEdit: (it: Draft) => void;
  onClose: () => void;
}

/** How many instances a node must and may run: by default, by role, by node. It goes into the draft. */
export function Limits({ of, draft, nodes, onEdit, onClose }: LimitsProps) {
  const members = useLive("members");
  const roles = [...new Set((present(members.value) ?? []).flatMap((it) => it.roles))].sort();
  const [all, setAll] = useState<Typed[]>(() => rules(draft, of).map(typed));
  const [kind, setKind] = useState<"roles" | "nodes">("nodes");
  const has = (name: string) => all.some((it) => it.kind === kind && it.name === name);
  const others = (kind === "nodes" ? nodes : roles).filter((it) => !has(it));
  const bad = all.find((it) => !boundsOf(it));
  const next = all.reduce((now, it) => limited(now, of, it, boundsOf(it) ?? {}), draft);
  const change = (at: number, more: Partial<Typed>) =>
    setAll(all.map((it, index) => (index === at ? { ...it, ...more } : it)));
  return (
    <Confirm
      title={`Limits of ${of.workflow}`}
      verb="Draft it"
      not={bad && `What is written for ${nameOf(bad)} is no limit`}
      cli={commands(next) || undefined}
      onDo={async () => onEdit(next)}
      onClose={onClose}
    >
      <p className="muted">
        How many instances one node must and may run. The rule of a node goes before those of its
        roles, and these before the default; what is empty is left to the wider rule.
      </p>
      <table className={css.limits}>
        <thead>
          <tr>
            <th scope="col">Of</th>
            <th scope="col">At least</th>
            <th scope="col">At most</th>
          </tr>
        </thead>
        <tbody>
          {all.map((it, at) => (
            <tr key={nameOf(it)}>
              <th scope="row">{nameOf(it)}</th>
              <td>
                <TextInput
                  aria-label={`At least, ${nameOf(it)}`}
                  placeholder="–"
                  value={it.min}
                  error={!/^\d*$/.test(it.min)}
                  onChange={(event) => change(at, { min: event.currentTarget.value.trim() })}
                />
              </td>
              <td>
                <TextInput
                  aria-label={`At most, ${nameOf(it)}`}
                  placeholder={it.kind === "default" ? "unlimited" : "–"}
                  value={it.max}
                  error={!boundsOf({ ...it, min: "" })}
                  onChange={(event) => change(at, { max: event.currentTarget.value.trim() })}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="muted small">
        A number; at most also <code>unlimited</code>, which hides wider rules. At least and at most
        empty: the rule goes.
      </p>
      <div className="row">
        <Select
          aria-label="Kind of rule"
          data={[
            { value: "nodes", label: "Node" },
            { value: "roles", label: "Role" },
          ]}
          value={kind}
          allowDeselect={false}
          onChange={(it) => setKind(it === "roles" ? "roles" : "nodes")}
          w={100}
        />
        <Select
          aria-label="A rule for"
          placeholder={others.length > 0 ? "A rule for …" : "There is none without a rule"}
          data={others}
          value={null}
          onChange={(it) => it && setAll([...all, { kind, name: it, min: "", max: "" }])}
        />
        {draft[of.workflow] && (
          <Button onClick={() => setAll(rules({}, of).map(typed))}>As it is set</Button>
        )}
      </div>
    </Confirm>
  );
}

const nameOf = ({ kind, name }: Pick<Rule, "kind" | "name">) =>
  kind === "default" ? "each node" : `${kind === "roles" ? "role" : "node"} ${name}`;
