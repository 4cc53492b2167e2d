// What is wrong with one file as it is edited: found by the server while it can be read, and by the page while not.
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { answered, api } from "../../api/client";
import { useFindings } from "../projects/projects";
import { ownFinding } from "./findings";

/** How long one has stopped typing before the text is judged. */
const SETTLED_MS = 400;

/** Those of this file as it is now, written or not; while it can't be read, that alone. */
export function useOwnFindings(project: string, path: string, text: string, hasChanges: boolean) {
  const written = useFindings(project).value?.findings;
  const [settled] = useDebouncedValue(text, SETTLED_MS);
  const { data: judged } = useQuery({
    queryKey: ["findings", project, path, settled],
    enabled: hasChanges,
    queryFn: ({ signal }) =>
      answered(
        api.POST("/api/v1/projects/{project}/findings", {
          params: { path: { project } },
          body: { drafts: [{ path, text: settled }] },
          signal,
        }),
      ),
    placeholderData: (before) => before,
    gcTime: 30_000,
  });
  const all = hasChanges && judged ? judged.findings : written;
  return useMemo(() => {
    const own = ownFinding(text, path);
    return own.length > 0 ? own : (all ?? []).filter((it) => it.file === path);
  }, [all, text, path]);
}
