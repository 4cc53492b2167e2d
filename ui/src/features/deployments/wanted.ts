// Changes of what nodes run: what they are called, how they are sent, and the command that does the same.
import { answered, api, type Intent, type Schemas } from "../../api/client";
import { sh } from "../../logic/shell";

type Rule = Schemas["RoleAssignment"];

export type Wanted =
  | { to: "activate"; tag: string }
  | { to: "rollback"; back: string | undefined }
  | { to: "delete"; tag: string }
  | { to: "assignNode"; node: string; tag: string }
  | { to: "unassignNode"; node: string }
  /** All rules of roles as they are to be, and which of them it is about. */
  | { to: "assignRole"; rules: Rule[]; role: string; tag: string; before?: string }
  | { to: "unassignRole"; rules: Rule[]; role: string }
  | { to: "canary"; start: Schemas["CanaryStart"] }
  | { to: "promote"; tag: string }
  | { to: "end"; tag: string };

export function titleOf(it: Wanted): string {
  switch (it.to) {
    case "activate":
      return `Make default ${it.tag}`;
    case "rollback":
      return it.back ? `Roll back to ${it.back}` : "Roll back";
    case "delete":
      return `Delete ${it.tag}`;
    case "assignNode":
      return `Assign ${it.tag} to ${it.node}`;
    case "assignRole":
      return `Assign ${it.tag} to the role ${it.role}`;
    case "unassignNode":
      return `Take the rule of ${it.node} away`;
    case "unassignRole":
      return `Take the rule of the role ${it.role} away`;
    case "canary":
      return `Start a canary with ${it.start.tag}`;
    case "promote":
      return `Promote the canary ${it.tag}`;
    case "end":
      return `End the canary ${it.tag}`;
  }
}

/** What the history will say of it, said of what is not done yet. */
export const asPlan = (it: string): string =>
  it.replace(/\b(was|were) (?=\w)/, (_, word) => (word === "was" ? "is to be " : "are to be "));

export const VERBS: Record<Wanted["to"], string> = {
  activate: "Make default",
  rollback: "Roll back",
  delete: "Delete",
  assignNode: "Assign",
  assignRole: "Assign",
  unassignNode: "Take away",
  unassignRole: "Take away",
  canary: "Start",
  promote: "Promote",
  end: "End",
};

/** A number of milliseconds in the largest unit that it is whole in, as the CLI takes it. */
export function time(ms: number): string {
  const units = [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ] as const;
  const [unit, size] = units.find(([, size]) => ms % size === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}

/** A share of a million as a percentage. */
export const percent = (perMillion: number) => `${perMillion / 10_000}%`;

export function command(it: Wanted): string {
  switch (it.to) {
    case "activate":
    case "delete":
      return sh`weir deployment ${it.to} ${it.tag}`;
    case "rollback":
      return "weir deployment rollback";
    case "assignNode":
      return sh`weir deployment assign ${it.tag} --node ${it.node}`;
    case "assignRole":
      return sh`weir deployment assign ${it.tag} --role ${it.role} ${it.before ? ["--before", it.before] : []}`;
    case "unassignNode":
      return sh`weir deployment unassign --node ${it.node}`;
    case "unassignRole":
      return sh`weir deployment unassign --role ${it.role}`;
    case "canary": {
      const { tag, nodes, bakeMs, errorsPerMillionMax, recordsMin = 0 } = it.start;
      const least = recordsMin > 0 ? ["--min-records", recordsMin] : [];
      return sh`weir deployment canary start ${tag} --nodes ${nodes} --bake ${time(bakeMs)} --max-errors ${percent(errorsPerMillionMax)} ${least}`;
    }
    case "promote":
      return "weir deployment canary promote";
    case "end":
      return "weir deployment canary rollback";
  }
}

/** The rules with one more, or another one in its place: before that of a role, or last. */
export function withRule(rules: readonly Rule[], rule: Rule, before: string | undefined): Rule[] {
  const at = rules.findIndex((it) => it.role === rule.role);
  if (before === undefined && at >= 0)
    return rules.map((it) => (it.role === rule.role ? rule : it));
  const others = rules.filter((it) => it.role !== rule.role);
  const place = others.findIndex((it) => it.role === before);
  return place < 0 ? [...others, rule] : others.toSpliced(place, 0, rule);
}

/** Sends it, or asks what it would do. The revision that was seen goes along: another one is refused. */
export function send(
  it: Wanted,
  dryRun: boolean,
  revision: number | undefined,
  intent: Intent,
): Promise<Schemas["DeploymentChange"]> {
  const header = { ...intent.header, "if-match": dryRun ? undefined : revision };
  const params = { query: { dryRun }, header };
  switch (it.to) {
    case "activate":
      return answered(api.POST("/api/v1/deployments:activate", { params, body: { tag: it.tag } }));
    case "rollback":
      return answered(api.POST("/api/v1/deployments:rollback", { params }));
    case "delete": {
      const path = { tag: it.tag };
      return answered(api.DELETE("/api/v1/deployments/{tag}", { params: { ...params, path } }));
    }
    case "assignNode": {
      const path = { node: it.node };
      return answered(
        api.PUT("/api/v1/assignments/nodes/{node}", {
          params: { ...params, path },
          body: { tag: it.tag },
        }),
      );
    }
    case "unassignNode": {
      const path = { node: it.node };
      return answered(
        api.DELETE("/api/v1/assignments/nodes/{node}", { params: { ...params, path } }),
      );
    }
    case "assignRole":
    case "unassignRole":
      return answered(api.PUT("/api/v1/assignments/roles", { params, body: { roles: it.rules } }));
    case "canary":
      return answered(api.POST("/api/v1/canary", { params, body: it.start }));
    case "promote":
      return answered(api.POST("/api/v1/canary:promote", { params }));
    case "end":
      return answered(api.POST("/api/v1/canary:end", { params }));
  }
}
