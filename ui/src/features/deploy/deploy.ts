// What is asked for a deploy, and what was asked for in this tab.
import { answered, api, type Intent, type Schemas } from "../../api/client";
import { useAsked } from "../../parts/useAsked";
import { parsed, valueAt } from "../editor/text";
import { assetOf, sent } from "../projects/projects";
import type { Wanted } from "./wanted";

export type Deployed = Schemas["Deployed"];

export const useClusters = () =>
  useAsked(["clusters"], () => answered(api.GET("/api/v1/clusters")));

/** What any cluster answers, whichever one the page is about. */
const ofCluster = async <T>(cluster: string, path: string): Promise<T> =>
  (await sent(`/api/v1/clusters/${encodeURIComponent(cluster)}/${path}`)).json();

export const useStored = (cluster: string) =>
  useAsked(["stored", cluster], () => ofCluster<Schemas["Deployments"]>(cluster, "deployments"));

export const useRunning = (cluster: string) =>
  useAsked(["running on", cluster], () =>
    ofCluster<Schemas["Page_WorkflowSummary"]>(cluster, "workflows"),
  );

/** One workflow with its graph, as its engines have it. */
export const useRunningOne = (cluster: string, name: string) =>
  useAsked(["running on", cluster, name], () =>
    ofCluster<Schemas["WorkflowDetail"]>(cluster, `workflows/${encodeURIComponent(name)}`),
  );

export const useKeysOf = (cluster: string) =>
  useAsked(["keys of", cluster], () => ofCluster<Schemas["Page_Key"]>(cluster, "keys"));

export const useBuild = (project: string, build: string) =>
  useAsked(["build", project, build], () =>
    answered(
      api.GET("/api/v1/projects/{project}/builds/{build}", {
        params: { path: { project, build } },
      }),
    ),
  );

/** The environments that `project.yaml` lists, in its order. */
export const useListed = (project: string) =>
  useAsked(["listed environments", project], async () => {
    const { text } = await assetOf(project, "project.yaml");
    const named = [valueAt(parsed(text).value, ["spec", "environments"])].flat();
    return named.filter((it) => typeof it === "string");
  });

export const begun = (
  project: string,
  body: Schemas["DeployRequest"],
  intent: Intent,
): Promise<Schemas["Operation"]> =>
  answered(
    api.POST("/api/v1/projects/{project}/deploys", {
      params: { path: { project }, ...intent },
      body,
    }),
  );

/** For what an operation was begun: it does not say so itself, and the page may be loaded anew. */
const key = (operation: string) => `weir-deploy-${operation}`;

export const keep = (operation: string, wanted: Wanted) =>
  sessionStorage.setItem(key(operation), JSON.stringify(wanted));

export function kept(operation: string | undefined): Wanted | undefined {
  const text = operation && sessionStorage.getItem(key(operation));
  return text ? (JSON.parse(text) as Wanted) : undefined;
}
