// Lines from before those that are shown: read by pages, the newest first, and each once.
import { useRef, useState } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { type Problem, problemIn } from "../../api/problem";
import { before, type Row, unseen } from "./lines";
import type { Filter } from "./tail";

/** A page is read on where all of it is shown already: lines of several nodes come in no common order. */
const PAGE = 500;
const PAGES_MAX = 20;

export interface Older {
  isBusy: boolean;
  /** Nothing that is older is remembered. */
  isEnd: boolean;
  problem: Problem | undefined;
  load: () => Promise<void>;
}

/** Whose older lines are missing, and why. */
const silent = (all: readonly Schemas["LogUnreached"][], until = "") =>
  all.map(({ node, why }): Row => {
    const text = `${node} gives no answer, and what it logged before is not here: ${why}`;
    return { kind: "mark", key: `older ${until} ${node}`, text, isBad: true };
  });

/** `rows` is what is shown, and `onRows` puts what was found before it. */
export function useOlder(
  of: { filter: Filter; isServer: boolean; rows: readonly Row[]; newest: number },
  onRows: (older: Row[]) => void,
): Older {
  const [standing, setStanding] = useState<{ isBusy: boolean; problem?: Problem | undefined }>({
    isBusy: false,
  });
  /** Where the next page begins, and the row that it stands before. */
  const next = useRef<{ first: string | undefined; cursor: string | undefined }>(undefined);
  const first = of.rows[0]?.key;
  const isEnd = next.current !== undefined && next.current.first === first && !next.current.cursor;
  const read = async () => {
    let cursor = next.current?.first === first ? next.current?.cursor : undefined;
    const until = before(of.rows, of.newest);
    const { level, ...filter } = of.filter;
    const path = of.isServer ? "/api/v1/server/logs" : "/api/v1/logs";
    let found: Row[] = [];
    for (let page = 0; page < PAGES_MAX && found.length === 0; page++) {
      const query = {
        ...filter,
        level: level as Schemas["LogLevel"] | undefined,
        until,
        order: "newest" as const,
        limit: PAGE,
        cursor,
      };
      const { items, nextCursor, unreached } = await answered(api.GET(path, { params: { query } }));
      cursor = nextCursor ?? undefined;
      found = unseen(items, of.rows);
      if (!cursor || found.length > 0) found = [...silent(unreached ?? [], until), ...found];
      if (!cursor) break;
    }
    next.current = { first: found[0]?.key ?? first, cursor };
    onRows(found);
  };
  const load = async () => {
    setStanding({ isBusy: true });
    const problem = await read().then(
      () => undefined,
      (error: unknown) => problemIn(error),
    );
    setStanding({ isBusy: false, problem });
  };
  return { isBusy: standing.isBusy, problem: standing.problem, isEnd, load };
}
