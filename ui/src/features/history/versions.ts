// What is asked of the configuration server about the versions of a project.
import { type QueryClient, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { problemIn } from "../../api/problem";
import { useAsked } from "../../parts/useAsked";
import { assetOf, renew } from "../projects/projects";

export type Version = Schemas["ProjectVersion"];
export type Status = Schemas["VersionStatus"];
export type Diff = Schemas["VersionDiff"];
export type FileDiff = Schemas["FileDiff"];

const PAGE = 200;

const at = (project: string) => ({ path: { project } });

/** Files may change beside the page: it is asked for anew whenever it is shown. */
export const useStatus = (project: string) =>
  useAsked(["status", project], () =>
    answered(api.GET("/api/v1/projects/{project}/status", { params: at(project) })),
  );

/** The newest first, by pages. */
export function useVersions(project: string) {
  const pages = useInfiniteQuery({
    queryKey: ["versions", project],
    queryFn: ({ pageParam }) =>
      answered(
        api.GET("/api/v1/projects/{project}/versions", {
          params: { ...at(project), query: { limit: PAGE, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const { data, error, dataUpdatedAt } = pages;
  const value = useMemo(() => data?.pages.flatMap((it) => it.items), [data]);
  const { fetchNextPage, hasNextPage, isFetching } = pages;
  const standing = { value, at: dataUpdatedAt, problem: error ? problemIn(error) : undefined };
  return { ...standing, fetchNextPage, hasNextPage, isFetching };
}

/** No `to`: the files as they are now. */
export const useDiff = (project: string, from: string | undefined, to: string | undefined) =>
  useAsked(["versions diff", project, from, to], () =>
    answered(
      api.GET("/api/v1/projects/{project}/versions:diff", {
        params: { ...at(project), query: { from, to } },
      }),
    ),
  );

/** What a file holds in a version, or now; no path: it is not there. */
export const useFileText = (
  project: string,
  path: string | undefined,
  version: string | null | undefined,
) =>
  useAsked(["version file", project, version, path], async (): Promise<{ text?: string }> => {
    if (path === undefined) return {};
    if (!version) return assetOf(project, path);
    const params = { path: { project, version }, query: { path } };
    return answered(api.GET("/api/v1/projects/{project}/versions/{version}/file", { params }));
  });

export const useBranches = (project: string) =>
  useAsked(["branches", project], () =>
    answered(api.GET("/api/v1/projects/{project}/branches", { params: at(project) })),
  );

export const useRemotes = (project: string) =>
  useAsked(["remotes", project], () =>
    answered(api.GET("/api/v1/projects/{project}/remotes", { params: at(project) })),
  );

/** Which version was seen as the newest: the branch moved meanwhile where that is another one by now. */
export const seen = (head: string | null | undefined) =>
  head ? { "if-match": `"${head}"` } : { "if-none-match": "*" };

/** After a change: versions, and everything that is known of the project. */
export async function renewAll(queries: QueryClient): Promise<void> {
  const keys = ["status", "versions", "versions diff", "version file", "branches", "remotes"];
  await Promise.all([
    queries.invalidateQueries({ predicate: (it) => keys.includes(String(it.queryKey[0])) }),
    renew(queries),
  ]);
}

/** A version as people name it. */
export const short = (id: string) => id.slice(0, 8);

export const titleOf = ({ message }: Version) => message.split("\n", 1)[0] || "(no message)";
