import { PasswordInput, Select, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { sh } from "../../logic/shell";
import { Confirm } from "../../parts/Act";
import { useAsked } from "../../parts/useAsked";
import { useIntent } from "../../parts/useIntent";

export function NewUser({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const roles = useAsked(["roles"], () => answered(api.GET("/api/v1/roles")));
  const intent = useIntent();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<string | null>(null);
  const send = async () => {
    const body = { name, password, roles: role ? [role] : [] };
    await answered(api.POST("/api/v1/users", { params: intent(body), body }));
    await queries.invalidateQueries({ queryKey: ["users"] });
  };
  return (
    <Confirm
      title="New user"
      verb="Make the user"
      cli={sh`weir user create ${name || "NAME"} ${role ? ["--role", role] : []}`}
      not={(!name || !password) && "A name and a password are missing"}
      onDo={send}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        description="It never changes"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        autoComplete="off"
        data-autofocus
      />
      <PasswordInput
        label="First password"
        description="It must be changed at the first log-in"
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        autoComplete="new-password"
      />
      <Select
        label="Role"
        data={roles.value?.items.map((it) => it.name) ?? []}
        value={role}
        onChange={setRole}
        clearable
      />
    </Confirm>
  );
}
