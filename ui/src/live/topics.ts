// What can be followed, and what each topic shows: the same as its path of the API.
import type { Schemas } from "../api/client";

interface Fixed {
  members: Schemas["ClusterMembers"];
  leases: Schemas["Page_Lease"];
  nodes: Schemas["Page_Node"];
  workflows: Schemas["Page_WorkflowSummary"];
  streams: Schemas["Page_StreamSummary"];
  deployments: Schemas["Deployments"];
  assignments: Schemas["Assignments"];
  activations: Schemas["Page_Activation"];
  canary: Schemas["CanaryStatus"];
  schedule: Schemas["Schedule"];
  sources: Schemas["Page_Source"];
  resources: Schemas["Page_ResourceGroup"];
  /** Those that stand. */
  alarms: Schemas["Alarms"];
  /** What the configuration server knows, whichever cluster the page is about. */
  clusters: Schemas["Page_Cluster"];
}

/** What is followed of one thing: the kind of the topic, before the name or id of the thing. */
interface One {
  workflow: Schemas["WorkflowDetail"];
  scheduled: Schemas["ScheduledWorkflowDetail"];
  savepoints: Schemas["Page_Savepoint"];
  stream: Schemas["StreamDetail"];
  log: Schemas["StreamLog"];
  /** Of the configuration server. */
  operation: Schemas["Operation"];
}

export type Topic = keyof Fixed | `${keyof One}:${string}`;

export type Shown<T extends Topic> = T extends keyof Fixed
  ? Fixed[T]
  : T extends `${infer K extends keyof One}:${string}`
    ? One[K]
    : never;

/** Lists: the field with the rows, and what tells these apart. As the server has it. */
const ROWS: Partial<Record<string, readonly [field: string, key: string]>> = {
  members: ["members", "uid"],
  leases: ["items", "name"],
  nodes: ["items", "uid"],
  workflows: ["items", "name"],
  streams: ["items", "id"],
  activations: ["items", "node"],
  schedule: ["workflows", "workflow"],
  sources: ["items", "source"],
  resources: ["items", "group"],
  savepoints: ["items", "name"],
  clusters: ["items", "name"],
  alarms: ["items", "id"],
};

export type Change =
  | { type: "whole"; value: unknown }
  | { type: "rows"; upsert?: Row[]; remove?: string[]; beside?: Row }
  | { type: "same" }
  | { type: "refused"; problem: Schemas["Problem"] };

type Row = Record<string, unknown>;

/** A list after a change of some rows. Rows keep their places; new ones stand in the order of their keys. */
export function withRows(
  topic: string,
  value: unknown,
  change: Change & { type: "rows" },
): unknown {
  const rows = ROWS[topic.split(":")[0] ?? topic];
  if (!rows) return value;
  const [field, key] = rows;
  const before = value as Row;
  const byKey = new Map((before[field] as Row[]).map((it) => [String(it[key]), it]));
  for (const it of change.remove ?? []) byKey.delete(it);
  const isNew = (change.upsert ?? []).some((it) => !byKey.has(String(it[key])));
  for (const it of change.upsert ?? []) byKey.set(String(it[key]), it);
  const after = [...byKey.values()];
  // Streams come newest first, and their ids grow with time; all else comes by name.
  const sign = topic === "streams" ? -1 : 1;
  if (isNew) after.sort((a, b) => sign * compared(order(a, key), order(b, key)));
  // All that stands beside comes at once: what is not there any more has gone.
  return { ...(change.beside ?? before), [field]: after };
}

const order = (row: Row, key: string) => String((key === "uid" && row.name) || row[key]);
const compared = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
