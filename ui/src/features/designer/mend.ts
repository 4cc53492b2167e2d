// What the designer can mend at once of what was found in a workflow: pure functions.

import type { Fix } from "../editor/findings";
import type { Finding } from "../projects/projects";
import { added, type Design, disconnected, freeName } from "./design";

const CODES = { nowhere: "WEIR-02107", noStage: "WEIR-02102", twice: "WEIR-02105" };

/** The stage that a finding is about, by the place in the list or by name. */
export function stageOf({ path = "" }: Finding, own: readonly string[]): string | undefined {
  const inside = /^spec\.stages\[([^\]]+)\]/.exec(path)?.[1];
  if (inside !== undefined) return /^\d+$/.test(inside) ? own[+inside] : inside;
  const [first = ""] = path.split(".");
  return own.includes(path) ? path : own.includes(first) ? first : undefined;
}

export function mended(text: string, it: Design, finding: Finding): Fix | undefined {
  const named = [...`${finding.cause} ${finding.path ?? ""}`.matchAll(/[\w.-]+/g)].map(
    ([one]) => one,
  );
  if (finding.code === CODES.nowhere) {
    const open = it.stages
      .flatMap((stage) => stage.ports.map((port) => ({ from: stage.id, port })))
      .filter((one) => !it.edges.some((edge) => edge.from === one.from && edge.port === one.port))
      .find((one) => named.includes(`${one.from}.${one.port}`) || named.includes(one.from));
    if (!open) return undefined;
    const name = freeName(
      it.stages.map((one) => one.id),
      "discard",
    );
    const add = { name, role: "sink" as const, slot: { devNull: {} } };
    return {
      title: `Discard what leaves ${open.from}`,
      text: added(text, it, add, { behind: open }),
    };
  }
  if (finding.code === CODES.noStage) {
    const known = new Set(it.stages.map((one) => one.id));
    const dangling = it.edges.find((one) => !known.has(one.from) && named.includes(one.from));
    if (!dangling) return undefined;
    const title = `Disconnect ${dangling.to} from ${dangling.from}`;
    return { title, text: disconnected(text, it, [dangling]) };
  }
  return undefined;
}
