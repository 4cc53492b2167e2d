import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { State } from "../../parts/State";
import css from "./overview.module.css";

/** Which node hosts what there is one of in the cluster. */
export function Controllers({ leases }: { leases: Schemas["Lease"][] }) {
  const owners = new Set(
    leases.map((it) => (it.state === "held" && !it.trouble && it.owner?.name) || ""),
  );
  const [alone = ""] = owners;
  // Where one node has them all and nothing is wrong, a list of it says no more.
  if (owners.size === 1 && alone)
    return (
      <p className={css.still}>
        What there is one of in a cluster, as the scheduler: all {leases.length} run on{" "}
        <Link to="/nodes/$name" params={{ name: alone }} className="mono">
          {alone}
        </Link>
        . <Link to="/cluster">The cluster</Link>
      </p>
    );
  return (
    <ul className={css.controllers}>
      {leases.map((it) => (
        <li key={it.name}>
          <span className="grow cut">{it.name}</span>
          {it.pinned && <span className="muted small">pinned</span>}
          {it.state === "held" && it.owner ? (
            <Link to="/nodes/$name" params={{ name: it.owner.name }} className="mono">
              {it.owner.name}
            </Link>
          ) : (
            <State name={it.state} detail={it.trouble ?? undefined} />
          )}
        </li>
      ))}
    </ul>
  );
}
