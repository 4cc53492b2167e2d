// Whose audit is read: the configuration server's own, or that of the cluster that the page is about. What
// someone does on a cluster stands in the audit of its engines; log-ins and projects stand in the server's.
import { answered, api, type Schemas } from "../../api/client";
import { DEFAULT_CLUSTER, place } from "../../api/place";
import { useAsked } from "../../parts/useAsked";
import { sent } from "../projects/projects";

export type Of = "cluster" | "server";

export interface Looked {
  who?: string | undefined;
  object?: string | undefined;
  onlyRefused: boolean;
}

const cluster = place.cluster ?? DEFAULT_CLUSTER;

const ofCluster = async <T>(path: string): Promise<T> =>
  (await sent(`/api/v1/clusters/${encodeURIComponent(cluster)}/${path}`)).json();

export function entriesOf(
  of: Of,
  { who, object, onlyRefused }: Looked,
  limit: number,
  cursor: string | undefined,
): Promise<Schemas["Page_AuditEntry"]> {
  const query = { user: who || undefined, object: object || undefined, limit, cursor, onlyRefused };
  if (of === "server") return answered(api.GET("/api/v1/audit", { params: { query } }));
  const said = Object.entries(query).flatMap(([key, it]) =>
    it === undefined ? [] : [[key, String(it)]],
  );
  return ofCluster(`audit?${new URLSearchParams(said)}`);
}

/** Whether both are one, as where the configuration server is an engine itself; absent: not known. */
export function useIsOne(): boolean | undefined {
  const { value } = useAsked(["audit heads"], async () => {
    const head = async (of: Of) =>
      (await entriesOf(of, { onlyRefused: false }, 1, undefined)).items;
    const [own, there] = await Promise.all([head("server"), head("cluster").catch(() => [])]);
    const [a, b] = [own[0], there[0]] as Record<string, unknown>[];
    return a !== undefined && a.hash === b?.hash;
  });
  return value;
}
