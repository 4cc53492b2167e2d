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
  };
}

/** `done`, or the kind with the reason: `{ "refused": "the claim … is missing" }`. */
function outcomeOf(it: unknown): Pick<Entry, "outcome" | "why"> {
  if (it === "done") return { outcome: "done", why: "" };
  const said = typeof it === "object" && it !== null ? (it as Record<string, unknown>) : {};
  return "refused" in said
    ? { outcome: "refused", why: text(said.refused) }
    : { outcome: "unknown", why: text(said.unknown) };
}
