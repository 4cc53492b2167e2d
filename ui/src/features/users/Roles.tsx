import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { sh } from "../../logic/shell";
import { Act, Confirm } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { Shows } from "../../parts/Shows";
import { type Column, Table } from "../../parts/Table";
import { useAsked } from "../../parts/useAsked";
import { useIntent } from "../../parts/useIntent";
import { RoleForm } from "./RoleForm";
import { type Role, scopeSaid } from "./role";

/** Those that the server has by itself are what they are. */
const isOwn = (it: Role) => it.revision > 0;

export function Roles() {
  const standing = useAsked(["roles"], () => answered(api.GET("/api/v1/roles")));
  const [asked, setAsked] = useState<"new" | { do: "change" | "delete"; role: Role }>();
  const close = () => setAsked(undefined);
  const columns: Column<Role>[] = [
    {
      id: "name",
      title: "Role",
      value: (it) => it.name,
      cell: (it) => <strong>{it.name}</strong>,
    },
    { id: "scope", title: "For", cell: (it) => scopeSaid(it.scope) },
    {
      id: "count",
      title: "Claims",
      isNumber: true,
      value: (it) => it.claims.length,
      cell: (it) => it.claims.length,
    },
    {
      id: "claims",
      title: "Which",
      cell: (it) => (
        <span className="mono" title={it.claims.join(", ")}>
          {it.claims.join(", ")}
        </span>
      ),
      isRest: true,
    },
    { id: "description", title: "Description", cell: (it) => it.description },
    {
      id: "do",
      title: "",
      cell: (it) =>
        isOwn(it) ? (
          <span className="row">
            <Act
              label="Change …"
              about={it.name}
              claim="user:write"
              onAct={() => setAsked({ do: "change", role: it })}
            />
            <Act
              label="Delete …"
              about={it.name}
              claim="user:write"
              isDanger
              onAct={() => setAsked({ do: "delete", role: it })}
            />
          </span>
        ) : (
          <span className="muted small">built in</span>
        ),
    },
  ];
  return (
    <Panel
      title="Roles"
      side={<Act label="New …" about="role" claim="user:write" onAct={() => setAsked("new")} />}
      flush
    >
      <Shows of={standing}>
        {({ items }) => (
          <>
            <Table name="Roles" columns={columns} rows={items} keyOf={(it) => it.name} />
            {asked === "new" && <RoleForm all={items} onClose={close} />}
            {typeof asked === "object" && asked.do === "change" && (
              <RoleForm all={items} of={asked.role} onClose={close} />
            )}
          </>
        )}
      </Shows>
      {typeof asked === "object" && asked.do === "delete" && (
        <Delete of={asked.role} onClose={close} />
      )}
    </Panel>
  );
}

function Delete({ of, onClose }: { of: Role; onClose: () => void }) {
  const queries = useQueryClient();
  const intent = useIntent();
  return (
    <Confirm
      title={`Delete the role ${of.name}`}
      verb="Delete"
      isDanger
      typed={of.name}
      cli={sh`weir role delete ${of.name}`}
      onDo={async () => {
        const { header } = intent(["delete", of.name, of.revision]);
        const params = { path: { name: of.name }, header: { ...header, "if-match": of.revision } };
        await answered(api.DELETE("/api/v1/roles/{name}", { params }));
        for (const key of ["roles", "users"]) await queries.invalidateQueries({ queryKey: [key] });
      }}
      onClose={onClose}
    >
      <p>It is taken from all who have it, at once, also in sessions that are open.</p>
    </Confirm>
  );
}
