// Snippets as the designer puts them in and makes them: the same as `weir project insert` and `snippet` do of what is
// stored, of a text that is not saved yet. Pure functions.
import { stringify } from "yaml";
import { parsed } from "../editor/text";
import {
  connected,
  copied,
  type Design,
  type DesignEdge,
  design,
  disconnected,
  pasted,
  sameEdge,
} from "./design";

type Keyed = Record<string, unknown>;

/** The stages of a snippet, as they are written. */
export function stagesOf(text: string): Keyed[] {
  const value = parsed(text).value as { spec?: unknown } | undefined;
  return design(value?.spec).stages.map((it) => it.config);
}

export interface Where {
  behind?: { from: string; port: string };
  on?: DesignEdge;
}

/** The stages under free names: fed by the stage that is chosen, or on an edge, whose records then go through them. */
export function inserted(
  text: string,
  it: Design,
  stages: readonly Keyed[],
  { behind, on }: Where,
): { text: string; names: string[] } {
  const made = pasted(text, it, stages, on ?? behind);
  const all = design({ stages: made.stages });
  const isFed = on && all.stages.some((one) => one.config.from === from(on));
  const end = isFed && openEnd(all);
  if (!on || !end) return made;
  const whole = { ...it, stages: [...it.stages, ...all.stages], edges: [...it.edges] };
  const cut = disconnected(made.text, whole, [on]);
  const left = whole.edges.filter((one) => !sameEdge(one, on));
  return { ...made, text: connected(cut, { ...whole, edges: left }, { ...end, to: on.to }) };
}

const from = (it: { from: string; port: string }) =>
  it.port === "out" ? it.from : `${it.from}.${it.port}`;

/** The one port that leads nowhere, if there is one alone. */
function openEnd(it: Design): { from: string; port: string } | undefined {
  const open = it.stages.flatMap(({ id, ports }) =>
    ports
      .filter((port) => !it.edges.some((one) => one.from === id && one.port === port))
      .map((port) => ({ from: id, port })),
  );
  return open.length === 1 ? open[0] : undefined;
}

/** Stages as a snippet: what feeds them from elsewhere is left open. */
export function snippetOf(
  it: Design,
  names: readonly string[],
  name: string,
  description: string,
): string {
  const stages = copied(it, names).map(({ name, from: _, ...rest }) => {
    const inner = it.edges
      .filter((edge) => edge.to === name && names.includes(edge.from))
      .map(from);
    if (inner.length === 0) return { name, ...rest };
    return { name, from: inner.length > 1 ? inner : inner[0], ...rest };
  });
  const metadata = description ? { name, description } : { name };
  return stringify(
    { apiVersion: "weir/v1", kind: "Snippet", metadata, spec: { stages } },
    { lineWidth: 0 },
  );
}
