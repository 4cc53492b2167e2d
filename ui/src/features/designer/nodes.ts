// Stages as the nodes of the canvas: pure functions.
//
// - N1: a node says how large it is and where its ports stand: nothing has to be drawn to be measured.
// - N2: what looks as it did is the same node: selecting one of a thousand stages draws two.
import { type Edge, type Node, type NodeHandle, Position } from "@xyflow/react";
import { plural, words } from "../../logic/format";
import { kept } from "../../logic/kept";
import type { DesignStage } from "./design";
import { heightOf, type Place, WIDTH } from "./places";

export interface StageData extends Record<string, unknown> {
  stage: DesignStage;
  errors: number;
  warnings: number;
  /** It is the parent's, and nothing is said of it here. */
  isInherited: boolean;
  /** Records of the sample that was tried. */
  failed: number;
}

export type StageNodeType = Node<StageData, "stage">;

/** Of a port, as `designer.module.css` says. */
const PORT = 10;
/** Where the port of this number stands, from the top of its stage. */
export const portTop = (at: number) => 40 + at * 20;

export function nodeOf(data: StageData, position: Place, selected: boolean): StageNodeType {
  const { stage } = data;
  const size = { width: WIDTH, height: heightOf(stage) };
  return {
    id: stage.id,
    type: "stage",
    position,
    data,
    ...size,
    measured: size,
    handles: handlesOf(stage, size.height),
    selected,
    ariaLabel: said(data),
  };
}

/** What is seen of it, for those who hear it. */
function said({ stage, errors, warnings, isInherited, failed }: StageData): string {
  const { id, role, kind, asset } = stage;
  const told = [`Stage ${id}`, (asset ? kind : words(kind)) || `a ${role}, nothing chosen yet`];
  if (isInherited) told.push("inherited");
  if (errors > 0) told.push(plural(errors, "error"));
  if (warnings > 0) told.push(plural(warnings, "warning"));
  if (failed > 0) told.push(`${plural(failed, "record")} failed`);
  return told.join(", ");
}

export function handlesOf({ role, ports }: DesignStage, height: number): NodeHandle[] {
  const shape = { width: PORT, height: PORT };
  const at = (x: number, y: number) => ({ x: x - PORT / 2, y: y - PORT / 2 });
  const into = { type: "target" as const, position: Position.Left, ...shape, ...at(0, height / 2) };
  const out = ports.map((id, index) => ({
    id,
    type: "source" as const,
    position: Position.Right,
    ...shape,
    ...at(WIDTH, portTop(index)),
  }));
  return role === "source" ? out : [into, ...out];
}

export const keptNodes = (before: StageNodeType[], wanted: readonly StageNodeType[]) =>
  kept(before, wanted, looksAlike);

function looksAlike(a: StageNodeType, b: StageNodeType): boolean {
  const [{ stage: one, ...its }, { stage: other, ...others }] = [a.data, b.data];
  return (
    a.selected === b.selected &&
    a.position.x === b.position.x &&
    a.position.y === b.position.y &&
    its.errors === others.errors &&
    its.warnings === others.warnings &&
    its.isInherited === others.isInherited &&
    its.failed === others.failed &&
    one.role === other.role &&
    one.kind === other.kind &&
    one.asset === other.asset &&
    one.ports.join() === other.ports.join()
  );
}

export const keptEdges = (before: Edge[], wanted: readonly Edge[]) =>
  kept(before, wanted, (a, b) => a.label === b.label && a.selected === b.selected);
