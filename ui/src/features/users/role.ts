// A role as a form has it, and what is sent of it: pure functions.
import type { Schemas } from "../../api/client";
import { sh } from "../../logic/shell";

export type Role = Schemas["Role"];
export type Claim = Schemas["UserClaim"];
export type Within = "everything" | "projects" | "clusters";

export interface Wanted {
  name: string;
  description: string;
  claims: readonly Claim[];
  within: Within;
  /** Of projects or clusters. */
  names: readonly string[];
}

export const NOBODY: Wanted = {
  name: "",
  description: "",
  claims: [],
  within: "everything",
  names: [],
};

export function wantedOf({ name, description, claims, scope }: Role): Wanted {
  const about = { name, description, claims };
  if (scope === "everything") return { ...about, within: scope, names: [] };
  if ("projects" in scope) return { ...about, within: "projects", names: scope.projects };
  return { ...about, within: "clusters", names: scope.clusters };
}

const scopeOf = ({ within, names }: Wanted): Schemas["Scope"] => {
  if (within === "everything") return within;
  return within === "projects" ? { projects: [...names] } : { clusters: [...names] };
};

export function changeOf(wanted: Wanted): Schemas["RoleChange"] {
  return {
    claims: [...wanted.claims],
    description: wanted.description,
    scope: scopeOf(wanted),
  };
}

/** Why it can't be sent as it is. */
export function lacks({ name, claims, within, names }: Wanted): string | undefined {
  if (!name) return "A name is missing";
  if (claims.length === 0) return "It needs one claim at least";
  if (within !== "everything" && names.length === 0) return `Choose for which ${within} it holds`;
  return undefined;
}

/** The command that does the same. */
export function commandOf(wanted: Wanted, isNew: boolean): string {
  const flag = wanted.within === "projects" ? "--in" : "--at";
  const given = [
    ...wanted.claims.flatMap((it) => ["--claim", it]),
    ...wanted.names.flatMap((it) => [flag, it]),
    ...(wanted.description ? ["--description", wanted.description] : []),
  ];
  return sh`weir role ${isNew ? "create" : "set"} ${wanted.name || "NAME"} ${given}`;
}

/** The command that makes a token that allows the same. */
export function tokenCommandOf(wanted: Wanted, days: string): string {
  const flag = wanted.within === "projects" ? "--in" : "--at";
  const text = wanted.description.trim() || "TEXT";
  const given = [
    ...wanted.claims.flatMap((it) => ["--claim", it]),
    ...wanted.names.flatMap((it) => [flag, it]),
  ];
  return sh`weir token create ${text} ${given} --expires-in ${days}d`;
}

export function scopeSaid(it: Schemas["Scope"]): string {
  if (it === "everything") return "everything";
  return "projects" in it ? it.projects.join(", ") : it.clusters.map((at) => `at ${at}`).join(", ");
}

/** What the server takes of a text that says what something is for. */
const LENGTH_MAX = 200;

/** Why a text is refused, as its field says it; nothing where it is taken. */
export function tooLongFor(text: string): string | undefined {
  const { length } = [...text.trim()];
  return length > LENGTH_MAX
    ? `It has ${length} characters, and may have ${LENGTH_MAX}: say it in fewer`
    : undefined;
}
