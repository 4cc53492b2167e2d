// A look at a source as it is now, to find its format: which workflow and stage, and what is sent: pure functions.
import type { Schemas } from "../../api/client";
import { sh } from "../../logic/shell";
import { design } from "../designer/design";
import { type Path, parsed, valueAt, withValue } from "../editor/text";

export interface Peeking {
  workflow: string;
  source: string;
  environment: string | null;
  /** How many records are looked at. */
  records: string;
  withinMs: string;
  /** What it is, if that is not what the source says; `GUESSED`: nothing is known. */
  as: string | null;
}

export const GUESSED = "guessed";
export const TYPES = [
  { value: GUESSED, label: "not known: guess it" },
  { value: "csv", label: "csv" },
  { value: "json", label: "json" },
  { value: "raw", label: "raw" },
];

export const RECORDS = ["100", "1000", "10000"] as const;
export const WITHIN = [
  { value: "5000", label: "5 s" },
  { value: "15000", label: "15 s" },
] as const;
/** How many of them are shown. */
const SHOWN = 5;

export interface Reading {
  stage: string;
  /** The Source asset that it names. */
  asset: string | undefined;
}

/** The stages of a workflow that read. */
export const readings = (spec: unknown): Reading[] =>
  design(spec).stages.flatMap((it) =>
    it.role === "source" ? [{ stage: it.id, asset: it.asset }] : [],
  );

/** The stage that a place in the text of a workflow is of. */
export function stageOf(at: Path): string | undefined {
  const step = at.find((it) => typeof it === "object");
  return typeof step === "object" ? step.name : undefined;
}

/** The stage that is meant, if none was chosen: the one whose format it is, one that names the asset, any. */
export function meant(all: readonly Reading[], at: Path, asset: string | undefined) {
  const stage = stageOf(at);
  const found =
    all.find((it) => it.stage === stage) ?? all.find((it) => asset && it.asset === asset) ?? all[0];
  return found?.stage ?? "";
}

/**
 * The text with a format that is not known yet left open: a source must say something of it, and of bytes as they
 * come everything is guessed. What is behind the source in the same workflow may need its fields: it is left out.
 */
export function guessing(text: string, at: Path): string {
  const open = withValue(text, at, { type: "raw" });
  const stage = at.findIndex((it) => typeof it === "object");
  if (stage < 0) return open;
  const source = valueAt(parsed(open).value, at.slice(0, stage + 1));
  const alone = [source, { name: `${stageOf(at)}-only`, from: stageOf(at), sink: { devNull: {} } }];
  return withValue(open, at.slice(0, stage), alone);
}

/** Whether the format says what it is, here or as an asset. */
export function isSaid(format: unknown): boolean {
  if (typeof format === "string") return format !== "";
  return typeof (format as { type?: unknown } | null | undefined)?.type === "string";
}

export function question(
  it: Peeking,
  more: {
    drafts: Schemas["ProjectDraft"][];
    name: string;
    required: boolean;
    /** What is known of the format beside the text, if nothing was chosen. */
    known?: Record<string, never>;
    records?: number;
  },
): Schemas["PeekRequest"] {
  const { known, ...rest } = more;
  const records = more.records ?? Number(it.records);
  const format = it.as === null ? known : { type: it.as as never };
  return {
    ...rest,
    ...(format && it.as !== GUESSED ? { format } : {}),
    source: it.source,
    environments: it.environment ? [it.environment] : [],
    records,
    show: Math.min(SHOWN, records),
    withinMs: Number(it.withinMs),
  };
}

/** The command that looks at the same, as it is written. */
export function command(project: string, it: Peeking, name: string): string {
  const flag = (key: string, value: string | null | undefined) => (value ? [key, value] : []);
  const words = [
    ...flag("--source", it.source),
    ...flag("--environment", it.environment),
    ...flag("--name", name),
    ...flag("--type", it.as === GUESSED ? null : it.as),
    ...flag("--records", it.records),
    ...flag("--timeout", `${Number(it.withinMs) / 1_000}s`),
  ];
  return sh`weir schema infer --project ${project} --workflow ${it.workflow || "WORKFLOW"} ${words}`;
}

/** The asset under another name: what was found is written as it was shown. */
export function named(found: Schemas["InferredFormat"], name: string) {
  const directory = found.path.split("/").slice(0, -1);
  return {
    path: [...directory, `${name}.yaml`].join("/"),
    text: withValue(found.text, ["metadata", "name"], name),
  };
}
