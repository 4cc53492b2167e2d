// What is asked of the configuration server about its projects, and how it is kept.
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { answered, api, type Schemas } from "../../api/client";
import { problemOf, Refusal } from "../../api/problem";
import { token } from "../../api/token";
import type { Standing } from "../../live";
import { useAsked } from "../../parts/useAsked";
import { tellWritten } from "./told";

export type Asset = Schemas["AssetSummary"];
export type Finding = Schemas["Finding"];

type Projects = Schemas["Page_ProjectSummary"];
const PROJECTS = ["projects"];

const projectOf = (project: string, signal?: AbortSignal) =>
  answered(api.GET("/api/v1/projects/{project}", { params: { path: { project } }, signal }));

/** All of them; one that is still looked at is asked for by itself, which is answered when that is done. */
export function useProjects(): Standing<Projects> {
  const queries = useQueryClient();
  const standing = useAsked(PROJECTS, () => answered(api.GET("/api/v1/projects")));
  const late = standing.value?.items.flatMap((it) => (it.beingLookedAt ? it.name : [])) ?? [];
  const names = late.join(",");
  useEffect(() => {
    const abort = new AbortController();
    const put = (found: Projects["items"][number]) =>
      queries.setQueryData<Projects>(PROJECTS, (all) => all && withOne(all, found));
    const look = async () => {
      for (const name of names.split(",").filter(Boolean)) {
        const found = await projectOf(name, abort.signal).catch(() => undefined);
        if (abort.signal.aborted) return;
        if (found) put(found);
      }
    };
    void look();
    return () => abort.abort();
  }, [names, queries]);
  return standing;
}

const withOne = (all: Projects, one: Projects["items"][number]): Projects => ({
  ...all,
  items: all.items.map((it) => (it.name === one.name ? one : it)),
});

export const useProject = (project: string) =>
  useAsked([...PROJECTS, project], () => projectOf(project));

export const useAssets = (project: string) =>
  useAsked(["assets", project], () =>
    answered(api.GET("/api/v1/projects/{project}/assets", { params: { path: { project } } })),
  );

export const useFindings = (project: string) =>
  useAsked(["findings", project], () =>
    answered(api.POST("/api/v1/projects/{name}:validate", { params: { path: { name: project } } })),
  );

/** After a change: everything that is known of projects is asked for again. */
export async function renew(queries: QueryClient): Promise<void> {
  const keys = ["projects", "assets", "findings", "asset", "usages", "effective"];
  await queries.invalidateQueries({ predicate: (it) => keys.includes(String(it.queryKey[0])) });
}

/** An archive goes and comes as it is: the typed client would write it as JSON. */
export async function sent(path: string, init: RequestInit = {}): Promise<Response> {
  const session = token();
  const headers = new Headers(init.headers);
  if (session) headers.set("authorization", `Bearer ${session}`);
  const response = await fetch(path, { ...init, headers });
  if (response.ok) return response;
  throw new Refusal(problemOf(await response.json().catch(() => undefined), response.status));
}

export async function imported(file: File, name: string): Promise<Schemas["ProjectSummary"]> {
  const query = name ? `?${new URLSearchParams({ name })}` : "";
  const headers = { "content-type": "application/zip" };
  const answer = await sent(`/api/v1/projects:import${query}`, {
    method: "POST",
    headers,
    body: file,
  });
  return answer.json();
}

/** Lets the browser keep the archive as a file. */
export async function exported(project: string): Promise<void> {
  const answer = await sent(`/api/v1/projects/${encodeURIComponent(project)}/archive`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `${project}.zip`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** The asset's text and what changes of it are based on. */
export async function assetOf(project: string, asset: string): Promise<Schemas["AssetView"]> {
  return answered(
    api.GET("/api/v1/projects/{project}/assets/{asset}", { params: { path: { project, asset } } }),
  );
}

/** What an asset says with what it extends: one query for all who ask, so that all find the same under its key. */
export const effective = (project: string, path: string | undefined) => ({
  queryKey: ["effective", project, path],
  enabled: path !== undefined,
  queryFn: async () => {
    const params = { path: { project, asset: path ?? "" } };
    const at = "/api/v1/projects/{project}/assets/{asset}/effective";
    return (await answered(api.GET(at, { params }))).spec;
  },
});

/** `if-match` as a header takes it. */
export const matching = (etag: string) => ({ "if-match": `"${etag}"` });

/** What the server answers where it has another text than the one that was changed. */
export const STALE = 412;

/** Writes an asset, a new one where there is no etag, and tells the other tabs. */
export async function written(
  project: string,
  asset: string,
  text: string,
  etag: string | undefined,
): Promise<Schemas["AssetView"]> {
  const header = etag ? matching(etag) : { "if-none-match": "*" };
  const made = await answered(
    api.PUT("/api/v1/projects/{project}/assets/{asset}", {
      params: { path: { project, asset }, header },
      body: { text },
    }),
  );
  tellWritten(project, asset);
  return made;
}
