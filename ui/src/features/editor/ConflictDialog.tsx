import { Button } from "@mantine/core";
import { useState } from "react";
import { type Problem, problemIn } from "../../api/problem";
import { plural } from "../../logic/format";
import { Dialog } from "../../parts/Dialog";
import { ProblemView } from "../../parts/Problem";
import { type Conflict, resolved, type Side } from "./conflict";
import css from "./editor.module.css";
import type { Sent } from "./useDraft";

interface ConflictProps {
  conflict: Conflict;
  /** Sends a text on top of what is there. */
  onSend: (it: Sent) => Promise<void>;
  onTakeTheirs: (it: Sent) => void;
  onClose: () => void;
}

/** Somebody else changed the asset meanwhile: field by field, whose is it to be? */
export function ConflictDialog({ conflict, onSend, onTakeTheirs, onClose }: ConflictProps) {
  const [choices, setChoices] = useState<Record<string, Side>>({});
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const { fields = [], theirs, yours } = conflict;
  const result = conflict.merged ?? resolved(conflict, choices);
  const send = async (text: string) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await onSend({ text, etag: theirs?.etag });
      onClose();
    } catch (error) {
      setProblem(problemIn(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog onClose={onClose} title="Somebody else changed it meanwhile" size="xl">
      <div className={css.fields}>
        {!theirs && <p>It was deleted. What you typed can be written as a new asset.</p>}
        {theirs && fields.length === 0 && (
          <p>
            {result === undefined
              ? "One of the texts can’t be read as YAML, so that one of them must be taken as a whole."
              : "You changed other fields than they did: both changes fit into one text."}
          </p>
        )}
        {fields.length > 0 && (
          <>
            <p>
              Both of you changed {plural(fields.length, "field")}. What only one of you changed is
              kept.
            </p>
            <table className={css.three}>
              <thead>
                <tr>
                  <th scope="col">Field</th>
                  <th scope="col">It was</th>
                  <th scope="col">Yours</th>
                  <th scope="col">Theirs</th>
                </tr>
              </thead>
              <tbody>
                {fields.map((it) => {
                  const side = choices[it.path] ?? "yours";
                  const choice = (of: Side) => (
                    <td data-chosen={side === of || undefined}>
                      <label>
                        <input
                          type="radio"
                          name={it.path}
                          checked={side === of}
                          onChange={() => setChoices({ ...choices, [it.path]: of })}
                          aria-label={`${it.path}: ${of}`}
                        />{" "}
                        {said(it[of])}
                      </label>
                    </td>
                  );
                  return (
                    <tr key={it.path}>
                      <th scope="row">
                        <code>{it.path}</code>
                      </th>
                      <td>{said(it.base)}</td>
                      {choice("yours")}
                      {choice("theirs")}
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </>
        )}
        {problem && <ProblemView problem={problem} />}
        <div className="row">
          <Button onClick={onClose}>Go on editing</Button>
          <div className="grow" />
          {theirs && (
            <Button disabled={isBusy} onClick={() => onTakeTheirs(theirs)}>
              Take theirs
            </Button>
          )}
          {typeof yours === "string" && (result === undefined || !theirs) && (
            <Button disabled={isBusy} onClick={() => void send(yours)}>
              {theirs ? "Overwrite with yours" : "Write it anew"}
            </Button>
          )}
          {result !== undefined && theirs && (
            <Button variant="filled" disabled={isBusy} onClick={() => void send(result)}>
              Save both changes
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}

const said = (it: unknown) =>
  it === undefined || it === null ? "–" : typeof it === "string" ? it : JSON.stringify(it);
