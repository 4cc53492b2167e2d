// Which cluster the page is about: the one whose name its address begins with, as `/at/east/nodes`, and the
// default one without it. It is the same for as long as the page is: another cluster is another page.

/** What the configuration server answers itself, of whichever cluster the page is. */
const OWN =
  /^\/api\/v1\/(audit|clusters|log-in|log-out|me|operations|projects|roles|server|sessions|set-up|tokens|users|version)\b/;

/** What the cluster is called that the configuration of the server names. */
export const DEFAULT_CLUSTER = "default";

export interface Place {
  /** Absent: the default cluster. */
  cluster: string | undefined;
  /** What all addresses of its views begin with. */
  base: string;
  /** Where something of the API is asked. */
  asked: (path: string) => string;
}

/** A pure function of the address. */
export function placeOf(pathname: string): Place {
  const named = /^\/at\/([^/]+)/.exec(pathname)?.[1];
  if (!named) return { cluster: undefined, base: "/", asked: (path) => path };
  const asked = (path: string) =>
    OWN.test(path) ? path : path.replace("/api/v1/", `/api/v1/clusters/${named}/`);
  return { cluster: decodeURIComponent(named), base: `/at/${named}`, asked };
}

/** The address of a view as it is of a cluster; no name: of the default one. */
export const addressAt = (cluster: string | undefined, view: string): string =>
  cluster === undefined ? view : `/at/${encodeURIComponent(cluster)}${view}`;

export const place = placeOf(globalThis.location?.pathname ?? "/");
