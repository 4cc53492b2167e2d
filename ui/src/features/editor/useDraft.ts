import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type Problem, problemIn } from "../../api/problem";
import { assetOf, renew, written } from "../projects/projects";
import * as drafts from "./draft";

export interface Sent {
  text: string;
  /** Absent where there is nothing any more. */
  etag: string | undefined;
}

export interface Drafting {
  draft: drafts.Draft | undefined;
  problem: Problem | undefined;
  isBusy: boolean;
  isKept: boolean;
  /** Changes the text; changes of one `kind` that follow each other are one step. */
  change: (text: string, kind?: string) => void;
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
  const { data, error } = useQuery({
    queryKey: ["asset", project, path],
    queryFn: () => assetOf(project, path),
  });
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
      change: (text, kind = "") => put((it) => drafts.changed(it, text, kind, performance.now())),
      undo: () => put(drafts.undone),
      redo: () => put(drafts.redone),
      discard: () =>
        put((it) => drafts.changed(it, data ? data.text : it.base, "", performance.now())),
      adopt: ({ text, etag }) => {
        put((it) => drafts.changed(it, text, "", performance.now()));
        put((it) => drafts.saved(it, text, etag));
      },
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
        } finally {
          setBusy(false);
        }
      },
    }),
    [draft, error, isBusy, first, data, put, project, path, queries],
  );
}
