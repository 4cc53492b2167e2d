import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Where } from "../logic/alarms";

/** Leads to what is wrong; without a label to what `what` names. */
export function Target({ to, what, label }: { to: Where; what: string; label?: ReactNode }) {
  const said = label ?? (
    <>
      Open<span className="hidden"> {what}</span>
    </>
  );
  switch (to.to) {
    case "node":
      return (
        <Link to="/nodes/$name" params={{ name: to.name }}>
          {said}
        </Link>
      );
    case "workflow":
      return (
        <Link to="/workflows/$name" params={{ name: to.name }}>
          {said}
        </Link>
      );
    case "letters":
      return (
        <Link to="/workflows/$name" params={{ name: to.workflow }} search={{ tab: "letters" }}>
          {said}
        </Link>
      );
    case "paused":
      return (
        <Link to="/streams" search={{ workflow: to.workflow, state: "paused" }}>
          {said}
        </Link>
      );
    case "scheduler":
      return (
        <Link to="/scheduler" search={{ workflow: to.workflow }}>
          {said}
        </Link>
      );
    case "source":
      return (
        <Link to="/access" search={{ tab: "sources", source: to.name }}>
          {said}
        </Link>
      );
    case "deployments":
      return <Link to="/deployments">{said}</Link>;
    case "cluster":
      return <Link to="/cluster">{said}</Link>;
    case "fleet":
      return <Link to="/fleet">{said}</Link>;
  }
}
