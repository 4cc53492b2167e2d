// What is deployed, in two words: a package, or what was applied from directories.
import type { Schemas } from "../../api/client";
import { plural } from "../../logic/format";

/** The server's name of what all packages begin from: nothing is in it. */
const EMPTY = "DeploymentRoot";

export function inForce({
  default: tag,
  applied,
}: Pick<Schemas["Deployments"], "default" | "applied">): { value: string; note: string } {
  const [first, ...others] = applied;
  if (tag !== EMPTY)
    return {
      value: tag,
      note: first ? `and ${plural(applied.length, "directory", "directories")}` : "by default",
    };
  if (!first) return { value: "nothing", note: "" };
  if (others.length > 0)
    return { value: plural(applied.length, "project"), note: "from directories" };
  return { value: first.project, note: "from its directory" };
}
