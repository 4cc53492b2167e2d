import { Checkbox } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import { Shows } from "../../parts/Shows";
import { useAsked } from "../../parts/useAsked";
import { useIntent } from "../../parts/useIntent";
import { toggled } from "../deploy/wanted";
import { scopeSaid } from "./role";
import css from "./users.module.css";

/** Which roles a user has. */
export function UserRoles({ of, onClose }: { of: Schemas["User"]; onClose: () => void }) {
  const queries = useQueryClient();
  const intent = useIntent();
  const [roles, setRoles] = useState<string[]>(of.roles);
  const known = useAsked(["roles"], () => answered(api.GET("/api/v1/roles")));
  const again = () => queries.invalidateQueries({ queryKey: ["users"] });
  const send = async () => {
    const body = { roles };
    const { header } = intent([of.name, of.revision, body]);
    const params = { path: { name: of.name }, header: { ...header, "if-match": of.revision } };
    await answered(api.PATCH("/api/v1/users/{name}", { params, body }));
    await again();
  };
  return (
    <Confirm
      title={`Roles of ${of.name}`}
      verb="Change them"
      cli={sh`weir user set ${of.name} ${roles.length > 0 ? roles.flatMap((it) => ["--role", it]) : ["--no-roles"]}`}
      not={[...roles].sort().join() === [...of.roles].sort().join() && "Nothing is other"}
      onDo={send}
      onStale={() => void again()}
      onClose={onClose}
    >
      <Shows of={known}>
        {({ items }) => (
          <div className={css.roles}>
            {items.map((it) => (
              <Checkbox
                key={it.name}
                label={it.name}
                description={`${it.description ? `${it.description}; for ` : "For "}${scopeSaid(it.scope)}`}
                checked={roles.includes(it.name)}
                onChange={() => setRoles(toggled(roles, it.name))}
              />
            ))}
          </div>
        )}
      </Shows>
      <p className="muted">It counts at once, also in sessions that are open.</p>
    </Confirm>
  );
}
