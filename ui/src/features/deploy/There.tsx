// Ways from a deploy to what it made, on whichever cluster that is.
import { Link } from "@tanstack/react-router";
import { addressAt, DEFAULT_CLUSTER, place } from "../../api/place";
import { useAssets } from "../projects/projects";
import type { Deployed } from "./deploy";
import css from "./deploy.module.css";
import { runningOf } from "./planned";

/** Leads to what one has deployed it for. */
export function Runs({ project, of, at }: { project: string; of: Deployed; at: string }) {
  const assets = useAssets(project).value?.items ?? [];
  const own = assets.flatMap((it) => (it.kind === "Workflow" && it.name ? [it.name] : []));
  const names = runningOf(of.plan, own);
  if (names.length === 0) return null;
  return (
    <nav aria-label="What runs now" className={`row ${css.runs}`}>
      <span className="muted">See at work:</span>
      {names.map((it) =>
        isHere(at) ? (
          <Link key={it} to="/workflows/$name" params={{ name: it }}>
            {it}
          </Link>
        ) : (
          <a key={it} href={addressOf(at, `/workflows/${encodeURIComponent(it)}`)}>
            {it}
          </a>
        ),
      )}
    </nav>
  );
}

const isHere = (cluster: string) => cluster === (place.cluster ?? DEFAULT_CLUSTER);
const addressOf = (cluster: string, path: string) =>
  addressAt(cluster === DEFAULT_CLUSTER ? undefined : cluster, path);

/** Leads to the deployment. */
export function Stored({ of, at }: { of: { tag: string }; at: string }) {
  return isHere(at) ? (
    <Link to="/deployments" search={{ tag: of.tag }}>
      <code>{of.tag}</code>
    </Link>
  ) : (
    <a href={addressOf(at, `/deployments?${new URLSearchParams({ tag: of.tag })}`)}>
      <code>{of.tag}</code>
    </a>
  );
}
