import { Button } from "@mantine/core";
import { useMemo, useState } from "react";
import { type Problem, problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { Dialog } from "../../parts/Dialog";
import { ProblemView } from "../../parts/Problem";
import { Differs, GraphOrText, useIsGraph } from "../diff/Differs";
import { meansDrawn } from "../diff/meansDrawn";
import { Changed } from "./Changed";
import changed from "./changed.module.css";
import {
  again,
  type Conflict,
  conflictIn,
  dropped,
  lostComments,
  narrowed,
  resolved,
  type Side,
  since,
  stillChosen,
  verb,
} from "./conflict";
import css from "./editor.module.css";
import type { Sent } from "./useDraft";

interface ConflictProps {
  conflict: Conflict;
  /** Sends a text on top of what is there. */
  onSend: (it: Sent) => Promise<void>;
  /** They saved once more meanwhile: it is about that now. */
  onOther: (it: Conflict) => void;
  onTakeTheirs: (it: Sent) => void;
  onClose: () => void;
}

/** Somebody else changed the asset meanwhile: field by field, whose is it to be? Nothing is chosen beforehand. */
export function ConflictDialog({ conflict: given, onSend, onClose, ...on }: ConflictProps) {
  const conflict = useMemo(() => narrowed(given), [given]);
  const [choices, setChoices] = useState<Readonly<Record<string, Side>>>({});
  const [news, setNews] = useState<string>();
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const { base, theirs, yours } = conflict;
  const result = resolved(conflict, choices);
  const fields = (result !== undefined && conflict.fields) || [];
  const open = conflict.merged ? 0 : fields.filter((it) => !choices[it.path]).length;
  const comments = result === undefined ? [] : lostComments(conflict, result);
  const lost = [...dropped(conflict, choices), ...comments.map((it) => `their comment ${it}`)];
  const send = async (text: string) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await onSend({ text, etag: theirs?.etag });
      onClose();
    } catch (error) {
      const refused = problemIn(error);
      const found = conflictIn(refused);
      if (!found) return setProblem(refused);
      const next = again(given, found);
      setChoices(stillChosen(conflict, narrowed(next), choices));
      setNews(since(given, next));
      on.onOther(next);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog onClose={onClose} title="Somebody else changed it meanwhile" size="min(1100px, 95vw)">
      <div className={css.fields}>
        {news && (
          <p className={changed.dropped} role="status">
            {news} Nothing of yours is lost{fields.length > 0 && ": look at what is chosen"}.
          </p>
        )}
        {!theirs && <p>It was deleted. What you typed can be written as a new asset.</p>}
        {theirs && result === undefined && (
          <p>
            The two texts can’t be brought together field by field, so that one of them must be
            taken as a whole.
          </p>
        )}
        {theirs && result !== undefined && fields.length === 0 && (
          <p>You changed other fields than they did: both changes fit into one text.</p>
        )}
        {fields.length > 0 && (
          <p>
            Both of you changed {plural(fields.length, "field")}. What only one of you changed is
            kept. Choose whose it is to be:
          </p>
        )}
        {fields.map((it) => (
          <fieldset key={it.path} className={changed.field}>
            <legend>
              <code>{it.path || "all of it"}</code>
            </legend>
            <div className={changed.sides}>
              {(["yours", "theirs"] as const).map((side) => (
                <div
                  key={side}
                  className={changed.side}
                  data-chosen={choices[it.path] === side || undefined}
                >
                  <label>
                    <input
                      type="radio"
                      name={it.path}
                      checked={choices[it.path] === side}
                      onChange={() => setChoices({ ...choices, [it.path]: side })}
                      aria-label={`${it.path}: ${side}`}
                    />{" "}
                    {side === "yours" ? "Yours" : "Theirs"}
                  </label>
                  <Changed before={it.base} after={it[side]} />
                </div>
              ))}
            </div>
          </fieldset>
        ))}
        {theirs && (
          <AllOfBoth
            path={conflict.path}
            base={base}
            yours={yours}
            theirs={theirs.text}
            isOpen={fields.length === 0}
          />
        )}
        {lost.length > 0 && (
          <p className={changed.dropped} role="status">
            This drops {lost.join("; ")}.
          </p>
        )}
        {problem && <ProblemView problem={problem} />}
        <div className="row">
          <Button onClick={onClose}>Go on editing</Button>
          <div className="grow" />
          {open > 0 && (
            <span className="muted small">Choose first: {plural(open, "field")} left</span>
          )}
          {theirs && (
            <Button disabled={isBusy} onClick={() => on.onTakeTheirs(theirs)}>
              Take theirs, drop yours
            </Button>
          )}
          {typeof yours === "string" && (result === undefined || !theirs) && (
            <Button disabled={isBusy} onClick={() => void send(yours)}>
              {theirs ? "Save yours, drop all of theirs" : "Write it anew"}
            </Button>
          )}
          {result !== undefined && theirs && (
            <Button
              variant="filled"
              disabled={isBusy || open > 0}
              onClick={() => void send(result)}
            >
              {verb(fields, choices, comments.length > 0)}
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}

interface AllOfBothProps {
  path: string;
  base: string | null | undefined;
  yours: string | null | undefined;
  theirs: string;
  isOpen: boolean;
}

/** What each side made of it; of what has stages, as a graph, too. */
function AllOfBoth({ path, base, yours, theirs, isOpen }: AllOfBothProps) {
  const [isGraph] = useIsGraph();
  const isDrawn = typeof base === "string" && [base, yours ?? undefined, theirs].some(meansDrawn);
  const isOpenFirst = isOpen || (isDrawn && isGraph);
  const [isSeen, setSeen] = useState(isOpenFirst);
  const sides = [
    ["Yours", yours ?? undefined],
    ["Theirs", theirs],
  ] as const;
  return (
    <details
      className={css.more}
      open={isOpenFirst}
      onToggle={(event) => setSeen(event.currentTarget.open)}
    >
      <summary>All that each of you changed</summary>
      {isDrawn && (
        <div className={changed.shown}>
          <GraphOrText />
        </div>
      )}
      <div className={changed.sides}>
        {sides.map(([title, after]) => {
          const text = <Changed before={base ?? ""} after={after ?? ""} />;
          return (
            <div key={title} className={changed.side}>
              <h4>{title}</h4>
              {isDrawn && isSeen ? (
                <Differs
                  name={`${path}, ${title.toLowerCase()}`}
                  before={base}
                  after={after}
                  text={text}
                />
              ) : (
                text
              )}
            </div>
          );
        })}
      </div>
    </details>
  );
}
