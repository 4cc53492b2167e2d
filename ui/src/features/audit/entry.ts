// An entry of the audit as the page shows it. Its document leaves its form open: it is what its hash covers.

export interface Entry {
  sequence: number;
  at: string;
  user: string;
  action: string;
  object: string;
  outcome: "done" | "refused" | "unknown";
  why: string;
  from: string;
  claim: string;
  request: string;
  hash: string;
  /** What it was asked with or was about, and what came of it, as far as that is written down. */
  before: unknown;
  after: unknown;
}

const text = (it: unknown) => (typeof it === "string" ? it : "");

export function entry(it: Record<string, unknown>): Entry {
  const { outcome, why } = outcomeOf(it.outcome);
  return {
    sequence: typeof it.sequence === "number" ? it.sequence : 0,
    at: text(it.at),
    user: text(it.user) || "nobody",
    action: text(it.action),
    object: text(it.object),
    outcome,
    why,
    from: text(it.from),
    claim: text(it.claim),
    request: text(it.request),
    hash: text(it.hash),
    before: it.before,
    after: it.after,
  };
}

/** The view of what an entry is about: `deployment/v1` as the page's address for it; nothing where there is none. */
export function viewOf(object: string): string | undefined {
  // Several of them are named together.
  if (object === "alarms") return "/alarms";
  const slash = object.indexOf("/");
  const [kind, name] = [object.slice(0, slash), encodeURIComponent(object.slice(slash + 1))];
  if (slash < 0 || name === "") return undefined;
  return VIEWS[kind]?.(name);
}

const VIEWS: Record<string, (name: string) => string> = {
  alarm: (name) => `/alarms/${name}`,
  certificate: () => "/keys",
  cluster: () => "/fleet",
  deployment: (name) => `/deployments?tag=${name}`,
  group: (name) => `/access?tab=resources&group=${name}`,
  host: () => "/keys",
  key: () => "/keys",
  node: (name) => `/nodes/${name}`,
  project: (name) => `/projects/${name}`,
  role: () => "/users?tab=roles",
  schedule: (name) => `/scheduler?workflow=${name}`,
  stream: (name) => `/streams/${name}`,
  token: () => "/users?tab=tokens",
  user: () => "/users",
  workflow: (name) => `/workflows/${name}`,
};

/** `done`, or the kind with the reason: `{ "refused": "the claim … is missing" }`. */
function outcomeOf(it: unknown): Pick<Entry, "outcome" | "why"> {
  if (it === "done") return { outcome: "done", why: "" };
  const said = typeof it === "object" && it !== null ? (it as Record<string, unknown>) : {};
  return "refused" in said
    ? { outcome: "refused", why: text(said.refused) }
    : { outcome: "unknown", why: text(said.unknown) };
}
