import { Link } from "@tanstack/react-router";
import { Panel } from "../../parts/Page";
import { Head } from "./Head";
import type { Column } from "./matrix";
import { type Need, needsOf } from "./needs";
import css from "./projects.module.css";

interface NeedsProps {
  project: string;
  environments: readonly Column[];
  secrets: readonly Column[];
  /** Where each secret stands; absent until all assets were read. */
  uses: ReadonlyMap<string, readonly string[]> | undefined;
}

/** Secrets by environment: which of them lacks what it needs. */
export function Needs({ project, environments, secrets, uses }: NeedsProps) {
  if (!uses || environments.length === 0) return null;
  const names = [...new Set([...uses.keys(), ...secrets.flatMap((it) => Object.keys(it.values))])];
  if (names.length === 0) return null;
  return (
    <Panel title="Secrets by environment" flush>
      <div className={css.matrix}>
        <table aria-label="Secrets by environment">
          <Head project={project} columns={environments} />
          <tbody>
            {names.sort().map((name) => (
              <tr key={name}>
                <th scope="row" className="mono">
                  {name}
                </th>
                {needsOf(name, environments, secrets, uses).map((it) => (
                  <td
                    key={it.environment.path}
                    data-missing={["lacks", "unused"].includes(it.state) || undefined}
                  >
                    <Said of={it} project={project} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function Said({ of: { state, by, from }, project }: { of: Need; project: string }) {
  if (state === "none") return <span className="muted">not needed</span>;
  const [first = ""] = by;
  return (
    <>
      {state === "has" && `● from ${from?.name}`}
      {state === "unused" && `▲ in ${from?.name}, which the project does not use`}
      {state === "lacks" && "▲ lacks it"}
      <div className="muted small">
        needed by{" "}
        <Link to="/projects/$project/assets/$" params={{ project, _splat: first }}>
          {first}
        </Link>
        {by.length > 1 && ` and ${by.length - 1} more`}
      </div>
    </>
  );
}
