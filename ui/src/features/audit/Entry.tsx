import { Link } from "@tanstack/react-router";
import { Dialog } from "../../parts/Dialog";
import { Facts } from "../../parts/Page";
import { Moment } from "../../parts/When";
import css from "./audit.module.css";
import { type Entry, viewOf } from "./entry";
import { Outcome } from "./Outcome";

/** All that is written down of one thing that was done. */
export function EntryDialog({ of, onClose }: { of: Entry; onClose: () => void }) {
  const view = viewOf(of.object);
  return (
    <Dialog onClose={onClose} title={`Entry ${of.sequence}: ${of.action}`} size="min(900px, 95vw)">
      <div className={css.entry}>
        <Facts
          of={[
            ["Time", <Moment key="t" at={of.at} />],
            ["Who", of.user],
            [
              "Of",
              view ? (
                <Link key="o" to={view}>
                  {of.object}
                </Link>
              ) : (
                of.object
              ),
            ],
            ["Outcome", <Outcome key="r" of={of} />],
            ["Why", of.why],
            ["Claim", of.claim && <code key="c">{of.claim}</code>],
            [
              "From",
              <span key="f" className="mono">
                {of.from}
              </span>,
            ],
            ["Request", of.request && <code key="q">{of.request}</code>],
            ["Hash", of.hash && <code key="h">{of.hash}</code>],
          ]}
        />
        <Said title="Before, or what was asked" it={of.before} />
        <Said title="After" it={of.after} />
      </div>
    </Dialog>
  );
}

function Said({ title, it }: { title: string; it: unknown }) {
  if (it === undefined || it === null) return null;
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reached by the keyboard */}
      <pre className={css.said} tabIndex={0}>
        {JSON.stringify(it, undefined, 2)}
      </pre>
    </section>
  );
}
