import { Checkbox, SegmentedControl, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { answered, api } from "../../api/client";
import { Confirm } from "../../parts/Act";
import { useAsked } from "../../parts/useAsked";
import { useIntent } from "../../parts/useIntent";
import { toggled } from "../deploy/wanted";
import {
  type Claim,
  changeOf,
  commandOf,
  lacks,
  NOBODY,
  type Role,
  type Wanted,
  type Within,
  wantedOf,
} from "./role";
import css from "./users.module.css";

interface RoleFormProps {
  /** All that there are: one of them has every claim. */
  all: readonly Role[];
  /** The one that is changed; without it, a new one is made. */
  of?: Role;
  onClose: () => void;
}

/** A role of one's own: what it allows, and where that holds. */
export function RoleForm({ all, of, onClose }: RoleFormProps) {
  const queries = useQueryClient();
  const intent = useIntent();
  const [wanted, setWanted] = useState<Wanted>(of ? wantedOf(of) : NOBODY);
  const set = (change: Partial<Wanted>) => setWanted({ ...wanted, ...change });
  const isTaken = !of && all.some((it) => it.name === wanted.name);
  const claims = [...new Set(all.flatMap((it) => it.claims))];
  const send = async () => {
    const body = changeOf(wanted);
    const params = intent([wanted, of?.revision]);
    if (of) {
      const header = { ...params.header, "if-match": of.revision };
      const path = { name: of.name };
      await answered(api.PUT("/api/v1/roles/{name}", { params: { path, header }, body }));
    } else {
      const made = { ...body, name: wanted.name };
      await answered(api.POST("/api/v1/roles", { params, body: made }));
    }
    await queries.invalidateQueries({ queryKey: ["roles"] });
  };
  return (
    <Confirm
      title={of ? `Change the role ${of.name}` : "A new role"}
      verb={of ? "Change it" : "Make the role"}
      cli={commandOf(wanted, !of)}
      not={lacks(wanted) ?? (isTaken && "There is a role of this name already")}
      onDo={send}
      onStale={() => void queries.invalidateQueries({ queryKey: ["roles"] })}
      onClose={onClose}
    >
      {!of && (
        <TextInput
          label="Name"
          description="It never changes"
          value={wanted.name}
          onChange={(event) => set({ name: event.currentTarget.value.trim() })}
          autoComplete="off"
          data-autofocus
        />
      )}
      <TextInput
        label="Description"
        value={wanted.description}
        onChange={(event) => set({ description: event.currentTarget.value })}
        autoComplete="off"
      />
      <Claims legend="Claims" of={claims} wanted={wanted} onChange={set} />
      <Where wanted={wanted} onChange={set} />
      {of && <p className="muted">It changes for all who have it, at once.</p>}
    </Confirm>
  );
}

/** Which of the claims. */
export function Claims({
  legend,
  of,
  wanted,
  onChange,
}: {
  legend: string;
  of: readonly Claim[];
  wanted: Wanted;
  onChange: (it: Partial<Wanted>) => void;
}) {
  return (
    <fieldset className={css.choices}>
      <legend>{legend}</legend>
      <div className={css.columns}>
        {of.map((it) => (
          <Checkbox
            key={it}
            size="xs"
            label={<span className="mono">{it}</span>}
            checked={wanted.claims.includes(it)}
            onChange={() => onChange({ claims: toggled(wanted.claims, it) as Claim[] })}
          />
        ))}
      </div>
    </fieldset>
  );
}

const ABOUT: Record<Within, string> = {
  everything: "It holds everywhere.",
  projects: "It holds for what belongs to these projects.",
  clusters:
    "It holds for all that is in these clusters. What belongs to the server itself, as projects, is in none.",
};

export function Where({
  wanted,
  onChange,
}: {
  wanted: Wanted;
  onChange: (it: Partial<Wanted>) => void;
}) {
  const id = useId();
  const { within, names } = wanted;
  const projects = useAsked(["projects"], () => answered(api.GET("/api/v1/projects")));
  const clusters = useAsked(["clusters"], () => answered(api.GET("/api/v1/clusters")));
  const known = (within === "projects" ? projects : clusters).value?.items ?? [];
  // One that is not known here stays chosen until it is taken out.
  const all = [...new Set([...known.map((it) => it.name), ...names])].sort();
  return (
    <fieldset className={css.choices} aria-labelledby={id}>
      <legend id={id}>Where it holds</legend>
      <SegmentedControl
        size="xs"
        aria-labelledby={id}
        data={[
          { value: "everything", label: "Everywhere" },
          { value: "projects", label: "Some projects" },
          { value: "clusters", label: "Some clusters" },
        ]}
        value={within}
        onChange={(it) => onChange({ within: it as Within, names: [] })}
      />
      <p className="muted small">{ABOUT[within]}</p>
      {within !== "everything" && (
        <div className={css.columns}>
          {all.map((it) => (
            <Checkbox
              key={it}
              size="xs"
              label={it}
              checked={names.includes(it)}
              onChange={() => onChange({ names: toggled(names, it) })}
            />
          ))}
        </div>
      )}
    </fieldset>
  );
}
