// Tests as the page begins them: a first case of a workflow, and what was tried with what came of it. Pure functions.
//
// - K1: what is kept as expected is whole: where not all of it was shown, it is said instead that it can't be kept.
import { Document } from "yaml";
import type { Schemas } from "../../api/client";
import type { DesignStage } from "../designer/design";

type Row = Record<string, unknown>;
interface Piece {
  item?: string;
  rows?: readonly Row[];
  text?: string;
}
interface Expected {
  records?: readonly Row[];
  count?: number;
}
export interface Case {
  name: string;
  environment?: Row;
  secrets?: Record<string, string>;
  input: Record<string, readonly Piece[]>;
  expect: Record<string, Expected>;
}

/** What a sample that was tried is kept with. */
export interface Tried {
  samples: readonly Schemas["TestRunSample"][];
  environment: string | null;
  /** Of the workflow. */
  text: string;
  /** Other assets whose text was tried as it was typed. */
  unsaved: readonly string[];
}

/** What stood for names when it was tried. */
export interface Named {
  /** Of the environment that was chosen. */
  environment?: Row;
  /** All that the workflow needs. */
  secrets: readonly string[];
}

const DEAD_LETTERS = "dead-letters";
/** From here on a run shows less than there is. */
const [CHARS_MAX, VALUES_MAX] = [2_000, 200];
const MASKED = "***";

/** A test asset with one case; each record in a line of its own. */
export function testText(name: string, workflow: string, { environment, secrets, ...one }: Case) {
  const extra = { ...(environment && { environment }), ...(secrets && { secrets }) };
  const document = new Document({
    apiVersion: "weir/v1",
    kind: "Test",
    metadata: { name },
    spec: { workflow, cases: [{ name: one.name, ...extra, input: one.input, expect: one.expect }] },
  });
  const flow = (list: unknown) => {
    for (const it of (list as { items?: { flow?: boolean }[] } | undefined)?.items ?? [])
      it.flow = true;
  };
  const of = ["spec", "cases", 0];
  for (const [source, pieces] of Object.entries(one.input))
    for (const at of pieces.keys()) flow(document.getIn([...of, "input", source, at, "rows"]));
  for (const place of Object.keys(one.expect))
    flow(document.getIn([...of, "expect", place, "records"]));
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** What a test begins with: one record without values, which is to come out. */
export function firstCase(stages: readonly Pick<DesignStage, "id" | "role">[]): Case {
  const of = (role: DesignStage["role"]) => stages.find((it) => it.role === role)?.id;
  const [source, sink] = [of("source"), of("sink")];
  return {
    name: "what comes in comes out",
    input: source ? { [source]: [{ rows: [{}] }] } : {},
    expect: sink ? { [sink]: { count: 1 } } : {},
  };
}

/** The case that a run on samples is, or why it can't be kept. */
export function keptCase(
  run: Schemas["TestRun"],
  { samples, unsaved }: Tried,
  /** Absent: it is only asked whether it can be kept. */
  named: Named = { secrets: [] },
): Case | { not: string } {
  if (run.ending !== "committed")
    return { not: "Nothing came out: a test keeps what is committed" };
  if (unsaved.length > 0)
    return { not: `A test runs on what is saved: save ${unsaved.join(", ")}, and try it again` };
  const input: Case["input"] = {};
  for (const [at, { source, item, text: given, records }] of samples.entries()) {
    if (!source || (typeof given !== "string" && !records))
      return { not: "The sample is a file that is not shown: a test names such a file by hand" };
    // Live sources have no items.
    const seen = run.stages.find((it) => it.stage === source)?.records.some((it) => it.item);
    const name = seen ? { item: item ?? `sample-${at + 1}` } : {};
    const piece = typeof given === "string" ? { text: given } : { rows: records ?? [] };
    input[source] = [...(input[source] ?? []), { ...name, ...piece }];
  }
  const expect: Case["expect"] = {};
  for (const stage of run.stages.filter((it) => it.role === "sink")) {
    const came = stage.records.filter((it) => it.before && !it.failure).map((it) => it.before);
    if (stage.isCut || came.length !== stage.came - stage.failed)
      return { not: `Not all records at ${stage.stage} are shown: show more, or give fewer` };
    const records = came.flatMap((it) => (it ? [it as Row] : []));
    if (records.some(isUnsure))
      return { not: `At ${stage.stage} there are values that are cut or masked here` };
    expect[stage.stage] = { records };
  }
  const letters = run.stages.filter((it) => it.onError === "deadLetter" && it.failed > 0);
  const known = letters.flatMap(({ stage, records }) =>
    records.flatMap(({ failure, position }) => (failure ? [{ stage, position }] : [])),
  );
  const count = letters.reduce((sum, it) => sum + it.failed, 0);
  if (count > 0) expect[DEAD_LETTERS] = known.length === count ? { records: known } : { count };
  const { environment } = named;
  const secrets = Object.fromEntries(named.secrets.map((it) => [it, `[secret ${it}]`]));
  return {
    name: "what was tried",
    ...(environment && { environment }),
    ...(Object.keys(secrets).length > 0 && { secrets }),
    input,
    expect,
  };
}

/** It may be another value than it looks. */
function isUnsure(it: unknown): boolean {
  if (typeof it === "string")
    return it.includes(MASKED) || (it.length > CHARS_MAX && it.endsWith("…"));
  // What is larger was rounded when it was read.
  if (typeof it === "number") return Number.isInteger(it) && !Number.isSafeInteger(it);
  if (Array.isArray(it)) return it.length >= VALUES_MAX || it.some(isUnsure);
  return typeof it === "object" && it !== null && Object.values(it).some(isUnsure);
}
