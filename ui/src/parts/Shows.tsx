import { type ReactNode, useEffect, useState } from "react";
import type { Standing } from "../live";
import { ProblemView } from "./Problem";
import css from "./parts.module.css";

/** What is followed, in each of its states: on its way, refused, there, there and not current. */
export function Shows<T>({ of, children }: { of: Standing<T>; children: (value: T) => ReactNode }) {
  if (of.value === undefined)
    return of.problem ? <ProblemView problem={of.problem} /> : <Loading />;
  return (
    <>
      {of.problem && <ProblemView problem={of.problem} />}
      {children(of.value)}
    </>
  );
}

/** Nothing at first, so that what comes at once does not flash. */
export function Loading({ lines = 4 }: { lines?: number }) {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className={css.loading} role="status">
      <span className="hidden">Loading</span>
      {isLate &&
        Array.from({ length: lines }, (_, it) => `line ${it}`).map((it) => <div key={it} />)}
    </div>
  );
}

/** Says what belongs here, why there is nothing, and how to get it. */
export function Empty(props: { what: string; why: ReactNode; cli?: string; action?: ReactNode }) {
  return (
    <div className={css.empty}>
      <strong>{props.what}</strong>
      <p className="muted">{props.why}</p>
      {props.action}
      {props.cli && <code>{props.cli}</code>}
    </div>
  );
}
