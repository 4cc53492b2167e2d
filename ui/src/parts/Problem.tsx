import { Button } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { apart, detailOf, fieldOf, missingClaim, type Problem, problemIn } from "../api/problem";
import css from "./parts.module.css";
import { useFleet } from "./useFleet";

interface ProblemProps {
  problem: Problem;
  onRetry?: () => void;
}

/** The server does not reach the engines of a cluster. */
const ENGINE_UNREACHABLE = "WEIR-07010";

/** What, where, why and what to do. What is wrong with all of the page is told at its top, and not in each panel. */
export const ProblemView = (it: ProblemProps) =>
  it.problem.code === ENGINE_UNREACHABLE ? <Unreached {...it} /> : <Said {...it} />;

function Unreached(it: ProblemProps) {
  const { away } = useFleet();
  if (!away) return <Said {...it} />;
  return (
    <p className={css.refers} role="alert">
      Not known: the cluster can’t be reached. Why, and what to do, stands above.
    </p>
  );
}

/** As the server says it. */
function Said({ problem, onRetry }: ProblemProps) {
  const claim = missingClaim(problem);
  return (
    <div className={css.problem} role="alert">
      <strong>{claim ? `You need the claim ${claim} to see this` : problem.title}</strong>
      <p>{detailOf(problem)}</p>
      {apart(problem).map((it) => (
        <p key={it.pointer + it.detail}>
          <code>{fieldOf(it.pointer)}</code> {it.detail}
        </p>
      ))}
      {problem.hint && <p>{problem.hint}</p>}
      <div className="row small muted">
        {problem.code && <code>{problem.code}</code>}
        {problem.instance && <span className="mono">request {problem.instance}</span>}
        {/* Who asks again has the right no more than before. */}
        {onRetry && !claim && <Button onClick={onRetry}>Try again</Button>}
      </div>
    </div>
  );
}

/** One broken panel leaves the others as they are. */
export class Bounds extends Component<{ children: ReactNode }, { error?: unknown }> {
  override state: { error?: unknown } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === undefined) return this.props.children;
    const retry = () => this.setState({ error: undefined });
    return <ProblemView problem={problemIn(this.state.error)} onRetry={retry} />;
  }
}
