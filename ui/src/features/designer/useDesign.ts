// A text as the graph that it says, and where each stage of it is written. Made anew with the text alone.
import { useMemo } from "react";
import type { Read } from "../editor/useText";
import { type Design, design } from "./design";

export interface Designed {
  /** With what it has from the workflow that it extends. */
  design: Design;
  /** The stages that the text itself says something of, in its order. */
  own: readonly string[];
}

export function useDesign(read: Read): Designed {
  const spec = (read.whole as { spec?: unknown } | undefined)?.spec;
  const parentSpec = (read.parent as { spec?: unknown } | undefined)?.spec;
  const ownSpec = (read.value as { spec?: unknown } | undefined)?.spec;
  return useMemo(() => {
    const inherited = new Set(design(parentSpec).stages.map((it) => it.id));
    return {
      design: { ...design(spec), inherited },
      own: design(ownSpec).stages.map((it) => it.id),
    };
  }, [spec, parentSpec, ownSpec]);
}
