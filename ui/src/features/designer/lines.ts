// Where the stages of a workflow stand in its text: pure functions.
import { isMap, isSeq } from "yaml";
import { documentOf, parsed } from "../editor/text";

/** Offsets: from the first letter of a stage to behind the last. */
export interface Lines {
  stage: string;
  from: number;
  to: number;
}

/** In the order of the text; of one that can't be read, none. */
export function linesOf(text: string): Lines[] {
  const { problem } = parsed(text);
  const list = problem ? undefined : documentOf(text).getIn(["spec", "stages"], true);
  if (!isSeq(list)) return [];
  return list.items.flatMap((it) => {
    const name = isMap(it) ? it.get("name") : undefined;
    const range = isMap(it) ? it.range : undefined;
    if (typeof name !== "string" || !range) return [];
    return [{ stage: name, from: range[0], to: range[1] }];
  });
}

/** The stage that is written there; what stands between two belongs to none. */
export function stageAt(all: readonly Lines[], text: string, offset: number): string | undefined {
  // The dash before a stage, and what follows its last word in the line, are its own.
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  const lineEnd = end < 0 ? text.length : end;
  return all.find((it) => it.from <= lineEnd && lineStart <= it.to - 1)?.stage;
}
