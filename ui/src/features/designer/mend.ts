// What the designer can mend at once of what was found in a workflow: pure functions.

import type { Fix, Mend } from "../editor/findings";
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

/** What can be done about a finding in this workflow; what many of them need is worked out once. */
export function mends(text: string, it: Design): Mend {
  let open: { from: string; port: string }[] | undefined;
  return (finding) => {
    if (finding.code === CODES.nowhere) {
      open ??= openPorts(it);
      return discarding(text, it, finding, open);
    }
    return finding.code === CODES.noStage ? disconnecting(text, it, finding) : undefined;
  };
}

const named = ({ cause, path = "" }: Finding) =>
  new Set([...`${cause} ${path}`.matchAll(/[\w.-]+/g)].map(([one]) => one));

const key = (from: string, port: string) => `${from}\n${port}`;

/** Ports that nothing leads from. */
function openPorts({ stages, edges }: Design) {
  const led = new Set(edges.map((it) => key(it.from, it.port)));
  return stages
    .flatMap((stage) => stage.ports.map((port) => ({ from: stage.id, port })))
    .filter((it) => !led.has(key(it.from, it.port)));
}

function discarding(
  text: string,
  it: Design,
  finding: Finding,
  all: readonly { from: string; port: string }[],
): Fix | undefined {
  const names = named(finding);
  const open = all.find((one) => names.has(`${one.from}.${one.port}`) || names.has(one.from));
  if (!open) return undefined;
  const add = () => {
    const name = freeName(
      it.stages.map((one) => one.id),
      "discard",
    );
    return { name, role: "sink" as const, slot: { devNull: {} } };
  };
  return {
    title: `Discard what leaves ${open.from}`,
    text: () => added(text, it, add(), { behind: open }),
  };
}

function disconnecting(text: string, it: Design, finding: Finding): Fix | undefined {
  const names = named(finding);
  const known = new Set(it.stages.map((one) => one.id));
  const dangling = it.edges.find((one) => !known.has(one.from) && names.has(one.from));
  if (!dangling) return undefined;
  return {
    title: `Disconnect ${dangling.to} from ${dangling.from}`,
    text: () => disconnected(text, it, [dangling]),
  };
}
