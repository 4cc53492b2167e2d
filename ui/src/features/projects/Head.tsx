import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import type { Column } from "./matrix";
import type { Use } from "./useUse";

export interface Shown {
  project: string;
  views: readonly Schemas["AssetView"][];
}

/** The assets that values stand in, in the order in which the project takes them. */
export function Head(props: {
  project: string;
  columns: readonly Column[];
  /** What stands behind them. */
  last?: string;
  /** Puts one that is not used into the project. */
  use?: Pick<Use, "use" | "isBusy">;
}) {
  const { project, columns, use } = props;
  return (
    <thead>
      <tr>
        <th scope="col">Name</th>
        {columns.map((it) => (
          <th key={it.path} scope="col">
            <Link to="/projects/$project/assets/$" params={{ project, _splat: it.path }}>
              {it.name}
            </Link>
            <div className="muted small">
              {it.order === undefined
                ? "not used by the project"
                : `${it.order + 1}. of the project`}
            </div>
            {it.order === undefined && use && (
              <Button disabled={use.isBusy} onClick={() => void use.use(it)}>
                Use it<span className="hidden"> {it.name}</span>
              </Button>
            )}
          </th>
        ))}
        {props.last && <th scope="col">{props.last}</th>}
      </tr>
    </thead>
  );
}
