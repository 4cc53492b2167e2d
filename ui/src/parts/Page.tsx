import { type ReactNode, useEffect } from "react";
import css from "./parts.module.css";

/** A view: its title in the page and in the browser's tab, what can be done, and its panels. */
export function Page(props: {
  title: string;
  mark?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${props.title} · Weir`;
  }, [props.title]);
  return (
    <div className={css.page}>
      <header className={css.head}>
        <h1 tabIndex={-1}>{props.title}</h1>
        {props.mark}
        <div className="grow" />
        <div className="row">{props.actions}</div>
      </header>
      {props.children}
    </div>
  );
}

export function Panel(props: {
  title: string;
  side?: ReactNode;
  flush?: boolean;
  children: ReactNode;
}) {
  return (
    <section className={css.panel} aria-label={props.title}>
      <header className={css.panelHead}>
        <h2>{props.title}</h2>
        <div className="grow" />
        {props.side}
      </header>
      <div className={props.flush ? css.flush : css.panelBody}>{props.children}</div>
    </section>
  );
}

/** What is known of one thing, as terms and what they are. Empty ones are left out. */
export function Facts({ of }: { of: [term: string, fact: ReactNode][] }) {
  const told = of.filter(([, fact]) => ![undefined, null, false, ""].includes(fact as string));
  return (
    <dl className={css.facts}>
      {told.map(([term, fact]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{fact}</dd>
        </div>
      ))}
    </dl>
  );
}
