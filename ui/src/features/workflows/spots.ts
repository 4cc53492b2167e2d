// Where records of a workflow can be looked at, and how that is said: plain functions.
import type { Schemas } from "../../api/client";
import { sh } from "../../logic/shell";

/** Before a stage, behind it, or on an edge. */
export interface Spot {
  stage: string;
  side: Schemas["SniffSide"];
  port?: string;
  to?: string;
}

export const spotId = ({ stage, side, port, to }: Spot) =>
  side === "in" ? `>${stage}` : [stage, port ?? "", to ?? ""].join("|");

/** All of them: each edge, then each stage. */
export function spots(
  stages: readonly Schemas["Stage"][],
  edges: readonly Schemas["Edge"][],
): Spot[] {
  return [
    ...edges.map(({ from, port, to }): Spot => ({ stage: from, side: "out", port, to })),
    ...stages
      .filter((it) => it.role !== "source")
      .map(({ id }): Spot => ({ stage: id, side: "in" })),
    ...stages
      .filter((it) => it.role !== "sink")
      .map(({ id }): Spot => ({ stage: id, side: "out" })),
  ];
}

export function nameOf({ stage, side, port, to }: Spot): string {
  if (side === "in") return `what comes to ${stage}`;
  const from = port && port !== "out" ? `${stage}.${port}` : stage;
  return to ? `${from} → ${to}` : `what leaves ${from}`;
}

/** The command that looks at the same. */
export function command(workflow: string, spot: Spot, condition: string, stream?: string): string {
  const filter = condition ? ["--filter", condition] : [];
  const one = stream ? ["--stream", stream] : [];
  if (spot.side === "in") return sh`weir stream sniff ${workflow} ${spot.stage} --in ${one}`;
  const from = spot.port && spot.port !== "out" ? `${spot.stage}.${spot.port}` : spot.stage;
  const edge = spot.to ? `${from}->${spot.to}` : from;
  return sh`weir tap ${workflow} ${edge} ${filter} ${one}`;
}

/** The last of each stream first: where several are looked at, each stays by itself. */
export function inOrder<T extends { stream: string; position: number }>(caught: readonly T[]): T[] {
  const streams = [...new Set(caught.map((it) => it.stream))].reverse();
  const rank = new Map(streams.map((it, rank) => [it, rank]));
  const of = (it: T) => rank.get(it.stream) ?? 0;
  return [...caught].sort((a, b) => of(a) - of(b) || b.position - a.position);
}

/** The fields of records in the order in which they came, as the columns of a table. */
export function fields(records: readonly Readonly<Record<string, unknown>>[]): string[] {
  return [...new Set(records.flatMap((it) => Object.keys(it)))];
}
