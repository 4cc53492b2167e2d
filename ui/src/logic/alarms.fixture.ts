import type { Alarm } from "./alarms";

/** One that stands, of a node that nobody reaches. */
export const alarm = (id: string, more: Partial<Alarm> = {}): Alarm => ({
  id,
  key: "node-unreachable:node-2",
  kind: "node-unreachable",
  severity: "error",
  state: "standing",
  subject: { kind: "node", name: "node-2" },
  code: "WEIR-14001",
  message: "node-2 can't be reached, says node-1",
  raisedAt: "2026-01-01T00:00:00Z",
  lastAt: "2026-01-01T00:00:00Z",
  count: 1,
  ...more,
});
