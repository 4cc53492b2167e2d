import { useCallback, useState } from "react";
import { LogTail } from "./LogTail";
import type { Filter } from "./tail";

/** The log of one thing, on its own page: what it is of stays. */
export function LogsOf(fixed: { workflow?: string; node?: string }) {
  const [more, setMore] = useState<Filter>({});
  const set = useCallback((it: Filter) => setMore((before) => ({ ...before, ...it })), []);
  return <LogTail filter={{ ...more, ...fixed }} onFilter={set} />;
}
