import { useCallback, useState } from "react";
import { LogTail } from "./LogTail";
import type { Filter } from "./tail";

/** The log of one thing, on its own page: what it is of stays. */
export function LogsOf({
  isGone,
  ...fixed
}: {
  workflow?: string;
  node?: string;
  /** It is there no more: what came of it stays. */
  isGone?: boolean;
}) {
  const [more, setMore] = useState<Filter>({});
  const set = useCallback((it: Filter) => setMore((before) => ({ ...before, ...it })), []);
  return <LogTail filter={{ ...more, ...fixed }} onFilter={set} isGone={isGone} />;
}
