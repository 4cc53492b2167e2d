import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type Problem, problemIn, Refusal } from "../../api/problem";
import { assetOf, renew, written } from "../projects/projects";
import * as drafts from "./draft";
import { useOthers } from "./useOthers";

export interface Sent {
  text: string;
  /** Absent where there is nothing any more. */
  etag: string | undefined;
}

export type Theirs = { is: "changed"; text: string; etag: string } | { is: "gone" };

const GONE = 404;

export interface Drafting {
  draft: drafts.Draft | undefined;
  problem: Problem | undefined;
  isBusy: boolean;
  isKept: boolean;
  /** What the server has, where that is not what the text is based on: somebody else wrote it, or took it away. */
  theirs: Theirs | undefined;
  /** Changes the text, or what it is by then; changes of one `kind` that follow each other are one step. */
  change: (text: string | ((now: string) => string), kind?: string) => void;
  undo: () => void;
  redo: () => void;
  discard: () => void;
  /** Sends what there is, or another text on top of what the server has; a refusal is thrown. */
  save: (other?: Sent) => Promise<void>;
  /** Goes on from what the server has, instead of what was typed: that is one step back. */
  adopt: (it: Sent) => void;
}

export function useDraft(user: string, project: string, path: string): Drafting {
  const queries = useQueryClient();
  const [first] = useState(() => drafts.kept(user, project, path));
  const [draft, setDraft] = useState(first);
  const [isBusy, setBusy] = useState(false);
  const now = useRef(draft);
  now.current = draft;
  const { data, error, dataUpdatedAt } = useQuery({
    queryKey: ["asset", project, path],
    queryFn: () => assetOf(project, path),
  });
  const look = useOthers(project, path);
  const put = useCallback(
    (make: (it: drafts.Draft) => drafts.Draft) => {
      if (!now.current) return;
      now.current = make(now.current);
      setDraft(now.current);
      drafts.keep(user, project, path, now.current);
    },
    [user, project, path],
  );
  useEffect(() => {
    if (!data) return;
    const etag = data.etag ?? undefined;
    now.current = now.current
      ? drafts.refreshed(now.current, data.text, etag)
      : drafts.begun(data.text, etag);
    setDraft(now.current);
  }, [data]);
  return useMemo(
    () => ({
      draft,
      problem: error ? problemIn(error) : undefined,
      isBusy,
      isKept: first !== undefined,
      theirs: draft && theirsOf(draft, data, error),
      change: (text, kind = "") => {
        const made = (it: drafts.Draft) => (typeof text === "string" ? text : text(it.text));
        put((it) => drafts.changed(it, made(it), kind, performance.now()));
        look(dataUpdatedAt);
      },
      undo: () => put(drafts.undone),
      redo: () => put(drafts.redone),
      discard: () =>
        put((it) => {
          const { text, etag } = data ?? { text: it.base, etag: it.etag };
          return drafts.replaced(it, text, etag ?? undefined, performance.now());
        }),
      adopt: ({ text, etag }) => put((it) => drafts.replaced(it, text, etag, performance.now())),
      save: async (other) => {
        const at = now.current;
        if (!at) return;
        setBusy(true);
        try {
          const { text, etag } = other ?? at;
          const made = await written(project, path, text, etag);
          if (other) put((it) => drafts.changed(it, text, "", performance.now()));
          put((it) => drafts.saved(it, made.text, made.etag ?? undefined));
          queries.setQueryData(["asset", project, path], made);
          await renew(queries);
        } catch (refused) {
          // It may be that somebody else wrote it: what is known of it is not what is there.
          void queries.invalidateQueries({ queryKey: ["asset", project, path] });
          throw refused;
        } finally {
          setBusy(false);
        }
      },
    }),
    [draft, error, isBusy, first, data, dataUpdatedAt, look, put, project, path, queries],
  );
}

function theirsOf(
  draft: drafts.Draft,
  data: { text: string; etag?: string | null } | undefined,
  error: Error | null,
): Theirs | undefined {
  if (error instanceof Refusal && error.problem.status === GONE) return { is: "gone" };
  if (!data?.etag || !drafts.isDirty(draft) || data.etag === draft.etag) return undefined;
  return { is: "changed", text: data.text, etag: data.etag };
}
