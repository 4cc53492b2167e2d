// Which cluster the page is about: the one whose name its address begins with, as `/at/east/nodes`, and the
// default one without it. It is the same for as long as the page is: another cluster is another page.

/**
 * What the configuration server answers itself, of whichever cluster the page is: what its addresses begin with, each with
 * the commands that ask for that.
 */
const OF_SERVER: Readonly<Record<string, readonly string[]>> = {
  audit: ["audit"],
  clusters: ["fleet"],
  "log-in": ["login"],
  "log-out": ["logout"],
  me: ["whoami"],
  operations: ["operation"],
  // Formats are found by a project, or on the machine where the command runs.
  projects: ["project", "deploy", "test", "schema"],
  roles: ["role"],
  server: ["logs .*--config-server"],
  sessions: ["session"],
  "set-up": ["user"],
  tokens: ["token"],
  users: ["user"],
  version: ["version"],
};
const OWN = new RegExp(`^/api/v1/(${Object.keys(OF_SERVER).join("|")})\\b`);
const OWN_COMMAND = new RegExp(`^weir (${Object.values(OF_SERVER).flat().join("|")})\\b`);

/** Whether a command asks the server itself, or nobody. */
export const isOfServer = (command: string): boolean => OWN_COMMAND.test(command);

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
